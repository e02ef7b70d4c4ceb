import { setInterval as every } from "node:timers/promises";
import { openHeldTimes, overlapsOf } from "./held-times.ts";
import { type FleetDevice, runDevice } from "./run-device.ts";
import { openServiceClient, type ServiceClient } from "./service-client.ts";
import type { Findings } from "./verdict.ts";

type FleetPlan = { url: string; licenseKeys: string[]; rivals: number; minutes: number };

const progressEveryMs = 5_000;

/**
 * Runs a bot for each license, and a second device for the first `rivals` of them.
 *
 * @param signal ends it early
 */
export async function runFleet(
  { url, licenseKeys, rivals, minutes }: FleetPlan,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<Findings> {
  const startedAtMs = performance.now();
  const service = openServiceClient(url);
  const rights = openHeldTimes();
  const broken = new AbortController();
  const ended = AbortSignal.any([signal, broken.signal, AbortSignal.timeout(minutes * 60_000)]);
  const devices = licenseKeys.flatMap((licenseKey, license): FleetDevice[] => [
    { license, licenseKey, name: `fleet-first-device-of-${license}` },
    ...(license < rivals
      ? [{ license, licenseKey, name: `fleet-other-device-of-${license}` }]
      : []),
  ]);
  const running = devices.map(async (device) => {
    await runDevice(device, service, rights, ended).catch((error) => broken.abort(error));
  });
  await tellProgress(service, rights, output, ended);
  const stoppedAfterMs = signal.aborted ? performance.now() - startedAtMs : undefined;
  await Promise.all(running);
  service.close();
  broken.signal.throwIfAborted();
  return {
    overlaps: overlapsOf(rights.all),
    intervals: rights.all.length,
    counts: service.counts,
    stoppedAfterMs,
  };
}

async function tellProgress(
  service: ServiceClient,
  rights: ReturnType<typeof openHeldTimes>,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<void> {
  const startedAtMs = performance.now();
  try {
    for await (const _ of every(progressEveryMs, undefined, { signal })) {
      const nowMs = performance.now();
      const latenciesMs = service.takeLatenciesMs();
      const at = (share: number) =>
        `${Math.round(latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0)} ms`;
      const parts = [
        `${Math.round((nowMs - startedAtMs) / 1_000)} s`,
        `${sum(service.counts)} requests (${((latenciesMs.length / progressEveryMs) * 1_000).toFixed(1)}/s)`,
        `median ${at(0.5)}, 99 % ${at(0.99)}`,
        `${refusals(service.counts)} refused`,
        `${service.counts.get("no_answer") ?? 0} without answer`,
        `${rights.heldAt(nowMs)} held`,
        `${overlapsOf(rights.all).length} held twice`,
      ];
      output.write(`${parts.join("  ")}\n`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function refusals(counts: Map<string, number>): number {
  const successes = ["granted", "recorded", "released", "not_held", "no_answer"];
  return sum(new Map([...counts].filter(([code]) => !successes.includes(code))));
}
