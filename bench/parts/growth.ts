import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { clientFor } from "../../test/support/engines.ts";
import { asker } from "../../test/support/test-service.ts";
import type { Context } from "../context.ts";
import type { Report } from "../report.ts";
import { device, sampleItem, symbol } from "../sample.ts";
import { startServiceOnEngine } from "../service-on-engine.ts";
import { inWords, spreadOf } from "../statistics.ts";

const heartbeats = 1_000;
// Heartbeats get faster by themselves until the engine is warmed up.
const warmUps = 5_000;

/** Measures the same heartbeat with a growing number of licenses in the table. */
export async function growth({ fillMinutes, progress, signal }: Context): Promise<Report> {
  await using started = await startServiceOnEngine();
  const { engine, service, addLicense, take } = started;
  const request = { license_key: "GROWTH", device_fingerprint: device, symbol };
  await addLicense({ licenseKey: request.license_key });
  await asker(claimHandler(service))(request);
  const heartbeat = asker(heartbeatHandler(service));
  const client = clientFor(started.endpoint);

  /** Adds licenses until the table has `to` of them or time is up; returns the number. */
  async function fill(from: number, to: number): Promise<number> {
    const endsAtMs = performance.now() + fillMinutes * 60_000;
    let count = from;
    let printedAtMs = Number.NEGATIVE_INFINITY;
    while (count < to && performance.now() < endsAtMs) {
      signal.throwIfAborted();
      if (performance.now() - printedAtMs > 5_000) {
        progress(`growth: ${count} of ${to} licenses`);
        printedAtMs = performance.now();
      }
      const batches = Array.from({ length: Math.min(80, Math.ceil((to - count) / 25)) }, () => {
        const items = Array.from({ length: Math.min(25, to - count) }, () => {
          count++;
          const license_id = { S: count.toString(16).padStart(64, "0") };
          return { PutRequest: { Item: { ...sampleItem(1, Date.now()), license_id } } };
        });
        return { RequestItems: { [started.tableName]: items } };
      });
      await Promise.all(batches.map((batch) => client.send(new BatchWriteItemCommand(batch))));
    }
    return count;
  }

  const rows: Report["rows"] = [];
  let licenses = 1;
  let firstMedianMs: number | undefined;
  progress("growth: warming up");
  for (let index = 0; index < warmUps; index++) {
    signal.throwIfAborted();
    await heartbeat(request);
  }
  for (const wanted of [1, 10_000, 1_000_000]) {
    licenses = await fill(licenses, wanted);
    const wallMs: number[] = [];
    take();
    for (let index = 0; index < heartbeats; index++) {
      const startedAtMs = performance.now();
      await heartbeat(request);
      wallMs.push(performance.now() - startedAtMs);
    }
    const { calls, units } = take();
    const spread = spreadOf(wallMs);
    firstMedianMs ??= spread.median;
    rows.push({
      licenses,
      "wall ms": inWords(spread, 2),
      "of the first": (spread.median / firstMedianMs).toFixed(2),
      "calls each": calls.length / heartbeats,
      "units each": units / heartbeats,
    });
    if (licenses < wanted) break;
  }
  return {
    title: "How the cost of a heartbeat grows with the licenses in the table",
    notes: [
      `${engine}; medians (quartiles) of ${heartbeats} heartbeats`,
      `after ${warmUps} that are not counted`,
      `a step of filling the table ends after ${fillMinutes} minutes; --fill-minutes gives it more`,
    ],
    rows,
  };
}
