import type { Item } from "./expressions.ts";

/** A session as the item of its license holds it. Times are epoch milliseconds. */
export type StoredSession = {
  /** Absent in an entry that only keeps its seat until it lapses. */
  device: string | undefined;
  /** The device that held such an entry. */
  vacatedBy: string | undefined;
  sessionId: string | undefined;
  lastHeartbeatMs: number | undefined;
  lapsesAtMs: number | undefined;
  contestedUntilMs: number | undefined;
  endedByOperator: boolean;
};

export type StoredLicense = {
  status: string;
  expiresAtMs: number | undefined;
  maxSessions: number;
  fencingToken: number;
  sessions: ReadonlyMap<string, StoredSession>;
};

const read = new WeakMap<Item, StoredLicense>();

/** What the checker reads of an item, apart from what the service itself reads of it. */
export function storedLicense(item: Item): StoredLicense {
  const known = read.get(item);
  if (known) return known;
  const license: StoredLicense = {
    status: item.status?.S ?? "",
    expiresAtMs: numberOf(item, "license_expiration"),
    maxSessions: numberOf(item, "max_sessions") ?? 0,
    fencingToken: numberOf(item, "fencing_token") ?? 0,
    sessions: new Map(
      Object.entries(item.sessions?.M ?? {}).map(([symbol, { M: own = {} }]) => {
        const entry = own.p?.S === undefined ? own : (item.portfolios?.M?.[own.p.S]?.M ?? {});
        const session: StoredSession = {
          device: entry.device_fingerprint?.S,
          vacatedBy: entry.vacated_by?.S,
          sessionId: entry.session_id?.S,
          lastHeartbeatMs: numberOf(entry, "last_heartbeat"),
          lapsesAtMs: numberOf(entry, "lapses_at"),
          contestedUntilMs: numberOf(entry, "contested_until"),
          endedByOperator: entry.ended_at !== undefined || entry.ended?.BOOL === true,
        };
        return [symbol, session];
      }),
    ),
  };
  read.set(item, license);
  return license;
}

/** When another device may have the entry. */
export function freeForOthersAtMs({ lapsesAtMs, contestedUntilMs }: StoredSession): number {
  return Math.max(lapsesAtMs ?? 0, contestedUntilMs ?? 0);
}

function numberOf(map: Item, name: string): number | undefined {
  const text = map[name]?.N;
  return text === undefined ? undefined : Number(text);
}
