import * as z from "zod";
import { type Bundle, buildBundles } from "../bundles.ts";
import type { Context } from "../context.ts";
import type { Report } from "../report.ts";
import { runProgram } from "../run-program.ts";
import { device, licenseKey, sessionId, symbol } from "../sample.ts";
import { startDynamoDbStub } from "../start-dynamodb-stub.ts";
import { inWords, spreadOf } from "../statistics.ts";

const resultSchema = z.object({
  loadMs: z.number(),
  totalMs: z.number(),
  sinceProcessStartMs: z.number(),
  cpuMs: z.number(),
  peakMemoryMb: z.number(),
});
type Result = z.infer<typeof resultSchema>;

/**
 * A new process loads the bundle and answers its first heartbeat, alternating with the bare bundle.
 */
export async function cold({ runs, progress, signal }: Context): Promise<Report> {
  await using bundles = await buildBundles();
  using stub = await startDynamoDbStub();
  const caller = { license_key: licenseKey, device_fingerprint: device, symbol };
  const body = JSON.stringify({ ...caller, session_id: sessionId });
  const heartbeat = { body, isBase64Encoded: false };
  // Captures on the wire what the function sends, so that the bare bundle can send the same.
  await runProgram(
    "cold-start.mjs",
    [bundles.heartbeat.file, JSON.stringify(heartbeat)],
    stub.endpoint,
    signal,
  );
  const update: unknown = await (await fetch(stub.endpoint, { signal })).json();

  const contenders: [Bundle, unknown][] = [
    [bundles.bare, update],
    [bundles.heartbeat, heartbeat],
  ];
  const results = contenders.map((): Result[] => []);
  for (let run = 0; run < runs; run++) {
    if (run % 10 === 0) progress(`cold start ${run}/${runs}`);
    const order = run % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) {
      const contender = contenders[index];
      if (contender === undefined) continue;
      const [bundle, event] = contender;
      const words = [bundle.file, JSON.stringify(event)];
      const result = await runProgram("cold-start.mjs", words, stub.endpoint, signal);
      results[index]?.push(resultSchema.parse(result));
    }
  }

  const bareMedians = (key: keyof Result) => spreadOf((results[0] ?? []).map((r) => r[key])).median;
  const rows = contenders.map(([bundle], index) => {
    const of = (key: keyof Result) => spreadOf((results[index] ?? []).map((r) => r[key]));
    const ratio = (key: keyof Result) => (of(key).median / bareMedians(key)).toFixed(2);
    return {
      bundle: bundle.name,
      "total ms": inWords(of("totalMs")),
      ratio: ratio("totalMs"),
      "CPU ms": inWords(of("cpuMs")),
      "CPU ratio": ratio("cpuMs"),
      "load ms": inWords(of("loadMs")),
      "since process start ms": inWords(of("sinceProcessStartMs")),
      "peak MB": inWords(of("peakMemoryMb")),
      bytes: bundle.rawBytes,
      gzipped: bundle.gzippedBytes,
    };
  });
  const sizes = [bundles.claim, bundles.release].map(
    ({ name, rawBytes, gzippedBytes }) =>
      `${name}: ${rawBytes} bytes, ${gzippedBytes} gzipped (${(gzippedBytes / bundles.bare.gzippedBytes).toFixed(2)} of bare)`,
  );
  const gzipRatio = (bundles.heartbeat.gzippedBytes / bundles.bare.gzippedBytes).toFixed(2);
  return {
    title: "Cold start: load the bundle, answer the first heartbeat",
    notes: [
      `medians (quartiles) of ${runs} runs each`,
      `heartbeat gzipped: ${gzipRatio} of bare`,
      ...sizes,
    ],
    rows,
  };
}
