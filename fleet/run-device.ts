import { randomInt } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import type { openHeldTimes } from "./held-times.ts";
import type { ServiceClient } from "./service-client.ts";

export type FleetDevice = { license: number; licenseKey: string; name: string };

/** How many heartbeats in a hundred are followed by one of these instead of the next heartbeat. */
const percent = { crash: 2, sleep: 2, release: 2 };

/** The fields that the verdict depends on. */
const grantedSchema = z.object({
  session_timeout_seconds: z.number().positive(),
  heartbeat_interval_seconds: z.number().positive(),
});

/**
 * Runs one bot on one device until it is stopped. It claims, beats, crashes, sleeps and restarts.
 *
 * @throws ZodError if the service grants a session without naming its timeout
 */
export async function runDevice(
  { license, licenseKey, name }: FleetDevice,
  service: ServiceClient,
  rights: ReturnType<typeof openHeldTimes>,
  signal: AbortSignal,
): Promise<void> {
  const caller = { license_key: licenseKey, device_fingerprint: name, symbol: "ES" };
  await pause(randomInt(20_000));
  while (!signal.aborted) {
    const claim = await service.ask("/api/validate-license", caller);
    if (claim.code !== "granted") {
      const waitMs = 1_000 * Math.min(20, Number(claim.body.estimated_wait_seconds ?? 20));
      await pause(waitMs + randomInt(1_000));
      continue;
    }
    const granted = grantedSchema.parse(claim.body);
    const timeoutMs = 1_000 * granted.session_timeout_seconds;
    const beatMs = 1_000 * granted.heartbeat_interval_seconds;
    rights.confirmed(license, name, claim.sentMs, claim.answeredMs, timeoutMs);
    await beatUntilLost(claim.body.session_id, timeoutMs, beatMs);
  }

  async function beatUntilLost(session_id: unknown, timeoutMs: number, beatMs: number) {
    while (!signal.aborted) {
      await pause(beatMs - 1_000 + randomInt(2_000));
      if (signal.aborted) return;
      const beat = await service.ask("/api/heartbeat", { ...caller, session_id });
      if (beat.code === "recorded") {
        rights.confirmed(license, name, beat.sentMs, beat.answeredMs, timeoutMs);
      } else if (/^(session_|license_)/.test(beat.code)) {
        return rights.over(license, name, beat.answeredMs);
      }

      const dice = randomInt(100);
      if (dice < percent.crash) return restartAfterCrash(timeoutMs);
      if (dice < percent.crash + percent.sleep) {
        // Simulates a closed laptop, whose session may be gone when it wakes up.
        await pause(randomInt(2 * timeoutMs));
      } else if (dice < percent.crash + percent.sleep + percent.release) {
        rights.over(license, name, performance.now());
        await service.ask("/api/session/release", { ...caller, session_id });
        return pause(randomInt(beatMs));
      }
    }
  }

  /** A crash releases nothing: the device's right lasts until its lease is over. */
  async function restartAfterCrash(timeoutMs: number) {
    await pause(randomInt(2 * timeoutMs));
  }

  async function pause(milliseconds: number): Promise<void> {
    await wait(milliseconds, undefined, { signal }).catch(() => {});
  }
}
