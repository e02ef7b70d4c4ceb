import { type HistoryLine, readHistoryLine } from "../../../ops/data/history-line.ts";

/** An hour, milliseconds. */
export const hourMs = 3_600_000;

export const minuteMs = 60_000;

type Line = Record<string, unknown>;

/** Lines as functions log them: each with its time after `sinceMs`, in units of `unitMs`. */
export function linesFrom(sinceMs: number, unitMs: number, license_id: string) {
  return (...lines: [units: number, line: Line][]): HistoryLine[] =>
    lines.map(([units, line]) => {
      const read = readHistoryLine({
        line: JSON.stringify({ message: { license_id, symbol: "ES", ...line } }),
        atMs: sinceMs + units * unitMs,
      });
      if (!read) throw new Error("No line of the history");
      return read;
    });
}

export const claimed = (who: object, session_id: string, more: object = {}): Line => ({
  event: "session_claimed",
  session_id,
  fencing_token: 1,
  ...who,
  ...more,
});

export const released = (who: object, session_id: string): Line => ({
  event: "session_released",
  session_id,
  free_in_seconds: 0,
  ...who,
});
