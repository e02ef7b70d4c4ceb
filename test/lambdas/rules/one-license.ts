import type { Claim } from "../../../lambdas/rules/claim.ts";
import type { Session, Stored, Vacancy } from "../../../lambdas/rules/entry.ts";
import type { Heartbeat } from "../../../lambdas/rules/heartbeat.ts";
import { licenseSchema } from "../../../lambdas/rules/license.ts";
import { holds } from "../../../lambdas/rules/predicate.ts";
import type { Release } from "../../../lambdas/rules/release.ts";
import type { Database } from "../../../lambdas/rules/rule-run.ts";
import { applyChange } from "../../../lambdas/store/write-expression.ts";

export const nowMs = Date.UTC(2026, 0, 5, 12);
export const own = "own-device-0123456789";
export const another = "another-device-0123456789";
const caller = { licenseId: "id", deviceFingerprint: own, symbols: ["ES"] };
const place = { portfolioKey: undefined, sessionId: "mine" };
const time = { nowMs, sessionTimeoutMs: 60_000 };
export const ownRun = "own-run-0123456789";

export const ownClaim: Claim = {
  ...caller,
  ...place,
  ...time,
  opening: { runId: ownRun, claimNumber: 5 },
  onlyIfFree: false,
};
/** The same for two symbols. */
export const claimOfTwo: Claim = {
  ...ownClaim,
  symbols: ["ES", "NQ"],
  sessionId: "mine.key.2",
  portfolioKey: "key",
};
export const ownBeat: Heartbeat = {
  ...caller,
  ...place,
  ...time,
  report: { bot_version: undefined, bot_status: undefined, metadata: undefined },
  keep: false,
};
export const ownRelease: Release = {
  ...caller,
  ...place,
  nowMs,
  opening: undefined,
  grantedSymbols: 1,
  vacancyKey: "vac",
};

export function sessionOf(
  device_fingerprint: string,
  ageMs: number,
  attributes: Partial<Stored<Session>> = {},
) {
  const atMs = nowMs - ageMs;
  return {
    device_fingerprint,
    session_id: "held",
    started_at: atMs,
    last_heartbeat: atMs,
    lease_ms: 60_000,
    lapses_at: atMs + 60_000,
    ...attributes,
  } satisfies Stored<Session>;
}

export function vacancyOf(vacated_by: string, lapses_at: number, attributes: object = {}) {
  return {
    vacated_by,
    vacated_session_id: "held",
    lapses_at,
    ...attributes,
  } satisfies Stored<Vacancy>;
}

type Item = Record<string, unknown> & {
  sessions: Record<string, Record<string, unknown>>;
  portfolios: Record<string, Record<string, unknown>>;
};

/** The entry of a symbol of several: the key of its session. */
export function member(key: string): Record<string, unknown> {
  // The tests read whole entries only, so a member need not complicate the type of an item.
  return key as unknown as Record<string, unknown>;
}

/** Of 20 seats, unless the attributes say otherwise. */
export function itemWith(attributes: Partial<Item>): Item {
  return {
    license_id: "id",
    status: "active",
    license_type: "standard",
    max_sessions: 20,
    fencing_token: 7,
    sessions: {},
    portfolios: {},
    ...attributes,
  };
}

/**
 * The table with one license, in memory, by the rules' own reading of conditions.
 *
 * @param meanwhile what others do to the item just before a write arrives, by its number
 */
export function openLicense(
  attributes: Partial<Item>,
  meanwhile: Readonly<Record<number, (item: Item) => unknown>> = {},
) {
  let item = itemWith(attributes);
  let writes = 0;
  let withinMs: number | undefined;
  const database: Database = {
    async get() {
      return { license: licenseSchema.parse(item), stored: item };
    },
    async update(_licenseId, condition, change, options) {
      if (++writes > 500) throw new Error("It would never have ended");
      item = structuredClone(item);
      meanwhile[writes]?.(item);
      withinMs = options?.withinMs;
      const before = { license: licenseSchema.parse(item), stored: item };
      if (!holds(condition, item)) return { applied: false, seen: before };
      item = applyChange(item, change) as Item;
      return { applied: true, before, after: { license: licenseSchema.parse(item), stored: item } };
    },
  };
  return {
    database,
    writes: () => writes,
    /** The time limit of the last write. */
    withinMs: () => withinMs,
    item: () => item,
    symbols: () => Object.keys(item.sessions).sort(),
  };
}
