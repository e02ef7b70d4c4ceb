import type { Item } from "./expressions.ts";

/**
 * What stands for a symbol in the item of its license: a session, or what remains of one. Times are
 * epoch milliseconds.
 */
export type StoredEntry = {
  isSession: boolean;
  /** That holds it, or that held it last. */
  device: string | undefined;
  /** Of the session, or of the one that is over. */
  sessionId: string | undefined;
  token: number | undefined;
  runId: string | undefined;
  claimNumber: number | undefined;
  replacedRun: string | undefined;
  replacedNumber: number | undefined;
  /** Claimed with a run, or confirmed by a heartbeat that names it. */
  isNamed: boolean;
  isConfirmed: boolean;
  startedAtMs: number | undefined;
  lastHeartbeatMs: number | undefined;
  leaseMs: number | undefined;
  lapsesAtMs: number;
  /** When another device may have it. */
  freeAtMs: number;
  endedByOperator: boolean;
  asked: { atMs: number; untilMs: number } | undefined;
  keptUntilMs: number | undefined;
};

export type StoredLicense = {
  status: string;
  expiresAtMs: number | undefined;
  maxSessions: number;
  fencingToken: number;
  /** Its sessions are over with its key. */
  hasNewKey: boolean;
  /** A member of a session of several stands for that session. */
  entries: ReadonlyMap<string, StoredEntry>;
};

/** What the checker reads of an item, apart from what the service itself reads of it. */
export const storedLicense = remembered(
  (item: Item): StoredLicense => ({
    status: item.status?.S ?? "",
    expiresAtMs: numberOf(item, "license_expiration"),
    maxSessions: numberOf(item, "max_sessions") ?? 0,
    fencingToken: numberOf(item, "fencing_token") ?? 0,
    hasNewKey: item.superseded_by !== undefined,
    entries: new Map(
      Object.entries(item.sessions?.M ?? {}).flatMap(([symbol, { M: own = {}, S: key }]) => {
        const entry = key === undefined ? own : item.portfolios?.M?.[key]?.M;
        // A member whose session is gone is free.
        return entry ? [[symbol, storedEntry(entry)] as const] : [];
      }),
    ),
  }),
);

const storedEntry = remembered((entry: Item): StoredEntry => {
  const lastHeartbeatMs = numberOf(entry, "last_heartbeat");
  const runId = entry.run_id?.S;
  const isConfirmed = entry.confirmed !== undefined;
  const lapsesAtMs =
    numberOf(entry, "lapses_at") ?? (lastHeartbeatMs ?? Number.POSITIVE_INFINITY) + 60_000;
  const note = entry.asked?.M;
  return {
    isSession: entry.session_id !== undefined,
    device: entry.device_fingerprint?.S ?? entry.vacated_by?.S,
    sessionId: entry.session_id?.S ?? entry.vacated_session_id?.S,
    token: numberOf(entry, "fencing_token"),
    runId,
    claimNumber: numberOf(entry, "claim_number"),
    replacedRun: entry.replaced_run?.S,
    replacedNumber: numberOf(entry, "replaced_number"),
    isNamed: runId !== undefined || isConfirmed,
    isConfirmed,
    startedAtMs: numberOf(entry, "started_at"),
    lastHeartbeatMs,
    leaseMs: numberOf(entry, "lease_ms"),
    lapsesAtMs,
    freeAtMs: Math.max(lapsesAtMs, numberOf(entry, "contested_until") ?? 0),
    endedByOperator: entry.ended_at !== undefined || entry.ended?.BOOL === true,
    asked: note && {
      atMs: numberOf(note, "at") ?? 0,
      untilMs: numberOf(note, "until") ?? 0,
    },
    keptUntilMs: numberOf(entry, "kept_until"),
  };
});

/** Items are never changed in place. */
function remembered<Read extends object>(read: (item: Item) => Read): (item: Item) => Read {
  const known = new WeakMap<Item, Read>();
  return (item) => {
    const result = known.get(item) ?? read(item);
    known.set(item, result);
    return result;
  };
}

function numberOf(map: Item, name: string): number | undefined {
  const text = map[name]?.N;
  return text === undefined ? undefined : Number(text);
}
