import type { SessionTable } from "../store/table.ts";
import type { License } from "./license.ts";
import { removalOf } from "./removal.ts";
import { freeAtMs } from "./session.ts";

const keptForMs = 7 * 86_400_000;

/** How long a claim waits for the removal. */
const withinMs = 500;

/**
 * Removes the entries that lapsed more than 7 days ago, by at most one write, because each entry
 * makes every heartbeat of the license cost more. Best effort: if an entry has changed since it was
 * read, or the write fails, the next claim tries again.
 *
 * @param license as the claim left it
 * @returns the license without the removed entries
 */
export async function dropLongLapsed(
  table: SessionTable,
  license: License,
  nowMs: number,
  signal: AbortSignal,
): Promise<License> {
  const entries = Object.entries(license.sessions).filter(
    ([, entry]) => freeAtMs(entry) < nowMs - keptForMs,
  );
  if (entries.length === 0) return license;
  const removal = table.update(
    { licenseId: license.license_id, ...removalOf(entries) },
    AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
  );
  // A failure here must not fail the claim, which is already written.
  const result = await removal.catch(() => undefined);
  return result?.applied ? result.license : license;
}
