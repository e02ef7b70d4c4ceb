// Measures CPU and wall time per call, alternating with the bare call of the same UpdateItem.
// Arguments: bare bundle, function bundle, request body, status of its answer, number of blocks.
import { createRequire } from "node:module";
import { argv, env } from "node:process";

const [bareFile = "", bundleFile = "", body = "{}", status = "200", blocks = "30"] = argv.slice(2);
// Short, so that a disturbance affects neighbouring blocks alike.
const callsInBlock = 25;
const require = createRequire(import.meta.url);
const bare = require(bareFile).handler;
const handler = require(bundleFile).handler;
console.info = () => {};

const http = { method: "POST" };
const event = { rawPath: "/api", body, isBase64Encoded: false };
const callOurs = () => {
  const requestContext = { http, timeEpoch: Date.now() };
  return handler({ ...event, requestContext }, { awsRequestId: "request-1" });
};
const { statusCode, headers } = await callOurs();
if ("signature" in headers !== "nonce" in JSON.parse(body))
  throw new Error("The answer is signed if there is a nonce, and only then");
if (statusCode !== Number(status)) throw new Error(`${statusCode} where ${status} was expected`);
const update = await (await fetch(env.AWS_ENDPOINT_URL_DYNAMODB ?? "")).json();
const isRefused = statusCode !== 200;
const bareProblem = await bare(update).then(
  () => undefined,
  (error: Error) => error.name,
);
if (bareProblem !== (isRefused ? "ConditionalCheckFailedException" : undefined)) {
  throw new Error(`The bare call ended with ${bareProblem}`);
}
const callBare = isRefused ? () => bare(update).catch(() => {}) : () => bare(update);

const contenders = { bare: callBare, ours: callOurs };
type Name = keyof typeof contenders;
const cpuMicroseconds: Record<Name, number[]> = { bare: [], ours: [] };
const wallMicroseconds: Record<Name, number[]> = { bare: [], ours: [] };
for (const call of [callBare, callOurs]) for (let i = 0; i < 2_000; i++) await call();

for (let block = 0; block < Number(blocks); block++) {
  const order: Name[] = block % 2 === 0 ? ["bare", "ours"] : ["ours", "bare"];
  for (const name of order) {
    const call = contenders[name];
    const startedCpu = process.cpuUsage();
    const startedAtMs = performance.now();
    for (let i = 0; i < callsInBlock; i++) await call();
    const { user, system } = process.cpuUsage(startedCpu);
    wallMicroseconds[name].push(((performance.now() - startedAtMs) * 1000) / callsInBlock);
    cpuMicroseconds[name].push((user + system) / callsInBlock);
  }
}
process.stdout.write(JSON.stringify({ cpuMicroseconds, wallMicroseconds }), () => process.exit());
