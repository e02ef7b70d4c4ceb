import type { CommandContext } from "../terminal/command-context.ts";
import { getLicense } from "./get-license.ts";
import type { HistoryLine } from "./history-line.ts";
import { type Hold, holdsOf } from "./holds.ts";
import { dayMs, isPlaceholder, type LicenseItem } from "./license-item.ts";
import { readHistory } from "./read-history.ts";
import { scanPages } from "./scan-pages.ts";
import { type Sharing, sharingOf } from "./sharing.ts";
import type { OpenTable } from "./with-table.ts";

/** A session leaves a line a UTC day: read so far around a period, none that was live is missed. */
export const lineWithinMs = dayMs + 3_600_000;

export type LicenseHistory = Sharing & {
  table: string;
  license_id: string;
  /** The ids of the license under its earlier and later keys, this one included. */
  license_ids: string[];
  since: number;
  until: number;
  /** Who held which symbol when. */
  holds: Hold[];
  lines: HistoryLine[];
};

/** A period that is looked at: to now, if `untilMs` is absent. */
export type Period = { sinceMs: number; untilMs?: number | undefined };

/** What reads a history needs of a verb's environment. */
export type HistoryReader = Pick<CommandContext, "now" | "variables" | "stop">;

/**
 * What happened to a license, under all of its keys: as `license history --json` prints it and as
 * the console draws it.
 */
export async function licenseHistory(
  table: OpenTable,
  license: LicenseItem,
  { sinceMs, untilMs }: Period,
  { now, variables, stop }: HistoryReader,
): Promise<LicenseHistory> {
  const nowMs = now();
  const { chain, lines } = await readChain(table, license, stop, (licenseIds) =>
    readHistory({
      history: table.history,
      licenseIds,
      sinceMs: sinceMs - lineWithinMs,
      // To now: the next claim says until when the one before it held, however late it comes.
      variables,
      stop,
    }),
  );
  const endMs = untilMs ?? Number.POSITIVE_INFINITY;
  const present = [...chain.values()].filter((one) => one !== undefined);
  const holds = holdsOf(lines, present, { sinceMs, nowMs }).filter(({ from }) => from < endMs);
  const shown = lines.filter(
    (line) => line.atMs >= sinceMs && line.atMs < endMs && !isTold(line, chain),
  );
  return {
    table: table.place,
    license_id: license.license_id,
    license_ids: [...chain.keys()],
    since: sinceMs,
    until: untilMs ?? nowMs,
    holds,
    ...sharingOf(shown, holds),
    lines: shown,
  };
}

/** `undefined` for a license that was deleted since. */
type Chain = Map<string, LicenseItem | undefined>;

/** The license under all of its keys, and the lines of all of them. */
async function readChain(
  table: OpenTable,
  license: LicenseItem,
  stop: AbortSignal,
  read: (licenseIds: readonly string[]) => Promise<HistoryLine[]>,
): Promise<{ chain: Chain; lines: HistoryLine[] }> {
  const chain: Chain = new Map();
  let next: LicenseItem | undefined = license;
  while (next && !chain.has(next.license_id) && !isPlaceholder(next)) {
    chain.set(next.license_id, next);
    next =
      next.superseded_by === undefined ? undefined : await getLicense(table, next.superseded_by);
  }
  for (let id = license.supersedes; id !== undefined && !chain.has(id); ) {
    const before = await getLicense(table, id);
    chain.set(id, before);
    id = before?.supersedes;
  }
  for (;;) {
    const lines = await read([...chain.keys()]);
    const earlier = (await earlierIds(table, lines, chain, stop)).filter((id) => !chain.has(id));
    if (earlier.length === 0) return { chain, lines };
    for (const id of earlier) chain.set(id, await getLicense(table, id));
  }
}

/** The ids under earlier keys, by the lines; a rekey of an earlier version has to be searched for. */
async function earlierIds(
  table: OpenTable,
  lines: readonly HistoryLine[],
  chain: Chain,
  stop: AbortSignal,
): Promise<string[]> {
  const ids: string[] = [];
  for (const line of lines) {
    if (!("event" in line) || line.event !== "license_changed" || line.verb !== "rekey") continue;
    if (line.next_license_id !== undefined) continue;
    if (line.previous_license_id !== undefined) ids.push(line.previous_license_id);
    else if (![...chain.values()].some((one) => one?.superseded_by === line.license_id)) {
      ids.push(...(await idsBefore(table, line.license_id, stop)));
    }
  }
  return ids;
}

async function idsBefore(
  table: OpenTable,
  licenseId: string,
  stop: AbortSignal,
): Promise<string[]> {
  const found: string[] = [];
  const filter = {
    ProjectionExpression: "license_id",
    FilterExpression: "superseded_by = :id AND attribute_exists(superseded_status)",
    ExpressionAttributeValues: { ":id": licenseId },
  };
  for await (const { items } of scanPages(table, filter, stop)) {
    found.push(...items.map(({ license_id }) => String(license_id)));
  }
  return found;
}

/** A rekey leaves a line under each of its two ids, of which one is enough. */
function isTold(line: HistoryLine, chain: Chain): boolean {
  return (
    "event" in line &&
    line.event === "license_changed" &&
    line.next_license_id !== undefined &&
    chain.has(line.next_license_id)
  );
}
