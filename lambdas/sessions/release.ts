import { type Holder, heldBy } from "./holder.ts";
import type { SessionTable } from "./table.ts";

export type ReleaseOutcome = { code: "released" } | { code: "not_held" };

/**
 * Ends the caller's session in one conditional write. Whoever does not hold it changes nothing.
 * An ended license may still release.
 */
export async function release(
  table: SessionTable,
  holder: Holder,
  signal: AbortSignal,
): Promise<ReleaseOutcome> {
  const result = await table.update(
    { licenseId: holder.licenseId, update: "REMOVE sessions.#symbol", ...heldBy(holder) },
    signal,
  );
  return { code: result.applied ? "released" : "not_held" };
}
