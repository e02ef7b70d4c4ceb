import type { Write } from "./memory-table.ts";
import { type StoredLicense, storedLicense } from "./stored-license.ts";
import type { WorldContext } from "./world-context.ts";

/** A license from that moment on, `undefined` while there is none; and the request that wrote it. */
type State = { atMs: number; license: StoredLicense | undefined; by: string | undefined };

const rememberedMs = 150_000;

/** What the table held lately, by license. */
export function createLicenseHistory({ scheduler }: WorldContext) {
  const histories = new Map<string, State[]>();

  return {
    wrote({ licenseId, after, by }: Write): void {
      const states = histories.get(licenseId) ?? [];
      histories.set(licenseId, states);
      states.push({ atMs: scheduler.nowMs(), license: after && storedLicense(after), by });
      while (states.length > 2 && (states[1]?.atMs ?? 0) < scheduler.nowMs() - rememberedMs)
        states.shift();
    },

    /** What each license is now. */
    latest: () => [...histories].map(([id, states]) => [id, states.at(-1)?.license] as const),

    of: (licenseId: string): readonly State[] => histories.get(licenseId) ?? [],

    /** Every state since that moment, and the one at that moment. */
    since(licenseId: string, fromMs: number): (StoredLicense | undefined)[] {
      const all = histories.get(licenseId) ?? [];
      let from = all.length - 1;
      while (from > 0 && (all[from]?.atMs ?? 0) > fromMs) from--;
      const states = all.slice(Math.max(0, from)).map(({ license }) => license);
      return states.length > 0 ? states : [undefined];
    },
  };
}

export type LicenseHistory = ReturnType<typeof createLicenseHistory>;
