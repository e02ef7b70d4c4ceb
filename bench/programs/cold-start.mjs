// Loads a bundle and makes its first call. Arguments: the bundle, and the input of the call.
// Not TypeScript, because stripping the types would add to the measured time and memory.
import { createRequire } from "node:module";
import { argv } from "node:process";

const [bundleFile = "", given = "{}"] = argv.slice(2);
const startedAtMs = performance.now();
const startedCpu = process.cpuUsage();
const input = { ...JSON.parse(given), requestContext: { timeEpoch: Date.now() } };
const { handler } = createRequire(import.meta.url)(bundleFile);
const loadedAtMs = performance.now();
const answer = await handler(input, { awsRequestId: "request-1" });
const answeredAtMs = performance.now();
const { user, system } = process.cpuUsage(startedCpu);
if (answer.statusCode !== 200 && answer.Attributes === undefined) {
  throw new Error(`No success: ${JSON.stringify(answer)}`);
}
const result = {
  loadMs: loadedAtMs - startedAtMs,
  totalMs: answeredAtMs - startedAtMs,
  sinceProcessStartMs: answeredAtMs,
  cpuMs: (user + system) / 1000,
  peakMemoryMb: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(JSON.stringify(result), () => process.exit());
