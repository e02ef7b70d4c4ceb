import { type Checker, fieldsOf } from "./checker.ts";
import type { MemoryTable } from "./memory-table.ts";
import type { LicenseInUse } from "./operators.ts";
import type { Process } from "./process-of.ts";
import { type SimulatedService, seconds } from "./simulated-service.ts";
import { storedLicense } from "./stored-license.ts";
import { trueMs, type WorldContext } from "./world-context.ts";

/** Two intervals, a retry, and the longest that a network without faults may take. */
const mustHoldWithinMs = 45_000;

/**
 * Safety alone is not enough, because a service that refuses everybody is safe. Once the faults
 * have stopped, every process entitled to a session must soon hold it, and the keys of dead
 * processes must be free at the promised instant.
 */
export function createLiveness(context: WorldContext, checker: Checker, table: MemoryTable) {
  const { scheduler } = context;
  const freeSinceMs = new Map<Process, number>();

  return {
    /** Called each second of the quiet. */
    look() {
      for (const process of checker.processes) {
        if (isServed(process) || !isFreeFor(process)) {
          freeSinceMs.delete(process);
          continue;
        }
        const sinceMs = freeSinceMs.get(process) ?? scheduler.nowMs();
        freeSinceMs.set(process, sinceMs);
        if (scheduler.nowMs() - sinceMs < mustHoldWithinMs) continue;
        const forMs = scheduler.nowMs() - sinceMs;
        checker.fail(
          "after the faults, who should hold does",
          `${process.name} wants ${process.symbols.join(", ")}, free for ${seconds(forMs)}`,
        );
      }
    },

    /**
     * After all processes are gone: another device asks just before and when each session lapses.
     */
    probe(license: LicenseInUse, service: SimulatedService) {
      const item = table.item(license.id);
      if (!item) return;
      const { entries, status, expiresAtMs, maxSessions } = storedLicense(item);
      const lastMs = Math.max(...[...entries.values()].map(({ freeAtMs }) => freeAtMs));
      const ends = expiresAtMs !== undefined && expiresAtMs <= lastMs;
      if (status !== "active" || ends || entries.size > maxSessions) return;
      for (const [symbol, { freeAtMs }] of entries) {
        if (freeAtMs <= trueMs(context)) continue;
        const atMs = freeAtMs - context.epochMs;
        for (const [at, expected] of [
          [atMs - 1, "session_conflict"],
          [atMs, "available"],
        ] as const) {
          scheduler.at(at, undefined, () =>
            service.probe(
              {
                license_key: license.key,
                device_fingerprint: "probe",
                check_only: true,
                ...(symbol !== "*" && { symbol }),
              },
              ({ text }) => {
                const { code } = fieldsOf(text);
                context.note("probe", () => `asks for ${symbol}: ${code}`);
                if (code === expected) return;
                checker.fail(
                  "the key of a dead bot is free at the instant it lapses",
                  `${symbol} was ${code}, not ${expected}`,
                );
              },
            ),
          );
        }
      }
    },
  };

  function isServed(process: Process): boolean {
    // Other bots than those with the client wait as long as they please.
    if (process.actor.heldUp > 0 || process.kind !== "client" || process.storedRun) return true;
    return process.believes() !== undefined || process.endedForGood;
  }

  /** Whether nothing is in its way: the license is active, and the symbols and seats are free. */
  function isFreeFor({ symbols, licenseId }: Process): boolean {
    const item = table.item(licenseId);
    if (!item) return false;
    const { status, expiresAtMs, entries, maxSessions } = storedLicense(item);
    const nowMs = trueMs(context);
    if (status !== "active" || (expiresAtMs !== undefined && expiresAtMs <= nowMs)) return false;
    const taken = [...entries].filter(([, { freeAtMs }]) => freeAtMs > nowMs);
    return (
      taken.length + symbols.length <= maxSessions &&
      taken.every(([name]) => !symbols.includes(name))
    );
  }
}
