import { CommandError } from "../terminal/command-error.ts";
import { readableLicenses } from "./get-license.ts";
import type { HistoryLine } from "./history-line.ts";
import { type HistoryReader, lineWithinMs, type Period } from "./license-history.ts";
import { dayMs, type LicenseItem } from "./license-item.ts";
import { type PresentState, presentState } from "./present-state.ts";
import { readHistory } from "./read-history.ts";
import { refusalsOf } from "./refusals.ts";
import { scanPages } from "./scan-pages.ts";
import type { Deployed } from "./stack-outputs.ts";
import { usageOf } from "./usage.ts";
import type { OpenTable } from "./with-table.ts";

/** Which licenses were used: as `license usage --json` prints it and the console shows it. */
export const serviceUsage = ofPeriod(usageOf);

/** Who was refused: as `license refusals --json` prints it and the console shows it. */
export const serviceRefusals = ofPeriod(refusalsOf);

function ofPeriod<Figures>(figuresOf: (...read: Parameters<typeof usageOf>) => Figures) {
  return async (
    table: OpenTable,
    period: Period,
    reader: HistoryReader,
  ): Promise<Figures & { table: string }> => ({
    table: table.place,
    ...figuresOf(...(await readPeriod(table, period, reader))),
  });
}

/**
 * How the service is now: as `license now --json` prints it and the console shows it. `history` is a
 * sentence if no history could be read, and what rests on it is then missing.
 */
export async function serviceNow(
  table: OpenTable,
  { now, variables, stop }: HistoryReader,
): Promise<PresentState & { table: string; deployed: Deployed | null; history: string | null }> {
  const nowMs = now();
  const licenses = await readAll(table, stop);
  let lines: HistoryLine[] = [];
  let history: string | null = null;
  try {
    const sinceMs = nowMs - dayMs;
    lines = await readHistory({ history: table.history, sinceMs, variables, stop });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    history = error.message;
  }
  const { place, deployed = null } = table;
  return { table: place, deployed, history, ...presentState(licenses, lines, nowMs) };
}

async function readPeriod(
  table: OpenTable,
  { sinceMs, untilMs: givenMs }: Period,
  { now, variables, stop }: HistoryReader,
): Promise<Parameters<typeof usageOf>> {
  const nowMs = now();
  const untilMs = givenMs ?? nowMs;
  const lines = await readHistory({
    history: table.history,
    sinceMs: sinceMs - lineWithinMs,
    untilMs: untilMs + lineWithinMs,
    variables,
    stop,
  });
  return [lines, await readAll(table, stop), { sinceMs, untilMs, nowMs }];
}

async function readAll(table: OpenTable, stop: AbortSignal): Promise<LicenseItem[]> {
  const licenses: LicenseItem[] = [];
  for await (const { items } of scanPages(table, {}, stop)) {
    licenses.push(...readableLicenses(items));
  }
  return licenses;
}
