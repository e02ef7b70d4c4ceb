import * as z from "zod";
import { buildBundles } from "../bundles.ts";
import type { Context } from "../context.ts";
import type { Report } from "../report.ts";
import { runProgram } from "../run-program.ts";
import { device, licenseKey, rival, run, sessionId, symbol } from "../sample.ts";
import { startDynamoDbStub } from "../start-dynamodb-stub.ts";
import { inWords, spreadOf } from "../statistics.ts";

const both = z.object({ bare: z.array(z.number()), ours: z.array(z.number()) });
const resultSchema = z.object({ cpuMicroseconds: both, wallMicroseconds: both });

/** CPU and wall time of a warm call, alternating with a bare SDK call of the same `UpdateItem`. */
export async function warm({ runs, progress, signal }: Context): Promise<Report> {
  await using bundles = await buildBundles();
  using stub = await startDynamoDbStub();
  const caller = { license_key: licenseKey, device_fingerprint: device, symbol };
  const claim = { ...caller, ...run };
  const beat = { ...caller, session_id: sessionId };
  const operations = [
    ["heartbeat", bundles.heartbeat, beat, 200],
    ["heartbeat, signed", bundles.heartbeat, { ...beat, nonce: "0123456789abcdefghijkl" }, 200],
    ["claim", bundles.claim, claim, 200],
    ["refused claim", bundles.claim, { ...claim, device_fingerprint: rival }, 403],
    ["release", bundles.release, beat, 200],
  ] as const;

  const blocks = runs * 10;
  const rows: Report["rows"] = [];
  for (const [operation, bundle, request, status] of operations) {
    progress(`warm ${operation}`);
    const answered = [JSON.stringify(request), String(status)];
    const words = [bundles.bare.file, bundle.file, ...answered, String(blocks)];
    const result = await runProgram("warm.ts", words, stub.endpoint, signal);
    const { cpuMicroseconds: cpu, wallMicroseconds: wall } = resultSchema.parse(result);
    rows.push({
      operation,
      "CPU us, bare": inWords(spreadOf(cpu.bare), 0),
      "CPU us, ours": inWords(spreadOf(cpu.ours), 0),
      "CPU ratio": inWords(spreadOf(ratios(cpu)), 2),
      "of lower quartiles": (
        spreadOf(cpu.ours).lowerQuartile / spreadOf(cpu.bare).lowerQuartile
      ).toFixed(2),
      "wall us, bare": inWords(spreadOf(wall.bare), 0),
      "wall us, ours": inWords(spreadOf(wall.ours), 0),
      "wall ratio": inWords(spreadOf(ratios(wall)), 2),
    });
  }
  return {
    title: "Warm calls, beside the bare SDK call of the same UpdateItem",
    notes: [
      `medians (quartiles) of ${blocks} blocks of 25 calls, one call at a time`,
      "a ratio is that of two neighbouring blocks",
    ],
    rows,
  };
}

function ratios({ bare, ours }: z.infer<typeof both>): number[] {
  return ours.map((value, index) => value / (bare[index] ?? Number.NaN));
}
