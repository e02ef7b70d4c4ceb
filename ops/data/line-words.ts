import type { ClaimedLine, HistoryLine, Taken } from "./history-line.ts";

type OfDevice = { device: string; device_hash?: string | null | undefined };

/** A line in words. `who` is a device, or the operator. */
type LineWords = { what: string; symbols: string; who: string; details: string };

/**
 * A line as the verb and the console show it.
 *
 * @param instantText shows an instant, epoch milliseconds
 * @returns `undefined` for the line that a session leaves each day
 */
export function lineWords(
  line: HistoryLine,
  instantText: (atMs: number) => string,
): LineWords | undefined {
  if ("code" in line) return ofDevice(line, line.code, isFailure(line.code) ? "failed" : "refused");
  const takenText = (taken: Taken) => {
    const beat = taken.last_heartbeat;
    const heard = beat === undefined ? "" : `, last heartbeat ${instantText(beat)}`;
    return `${deviceText(taken)}${taken.state === undefined ? "" : ` (${taken.state}${heard})`}`;
  };
  const asker = "asked_by" in line ? line.asked_by : undefined;
  switch (line.event) {
    case "session_claimed": {
      const { replaced = [], displaced } = line;
      const replacedTexts =
        typeof replaced === "string"
          ? ["replaced its own session"]
          : replaced.map((taken) => `replaced ${takenText(taken)}`);
      const displacedTexts = displaced.map((one) => `displaced ${one.symbol} of ${takenText(one)}`);
      const details = [`token ${line.fencing_token}`, ...replacedTexts, ...displacedTexts];
      return ofDevice(line, "claimed", ...details);
    }
    case "session_active":
      return undefined;
    case "holder_asked":
      return ofDevice(
        line,
        "asked",
        ...line.holders.map((holder) => `asked ${deviceText(holder)}`),
      );
    case "holder_told":
    case "session_kept": {
      const what = line.event === "holder_told" ? "told" : "kept";
      return ofDevice(line, what, asker && `asked by ${asker}`);
    }
    case "session_released": {
      const free = line.free_in_seconds > 0 && `free after ${line.free_in_seconds} s`;
      return ofDevice(line, "released", free, asker && `yielded to ${asker}`);
    }
    case "license_changed": {
      const { verb, by, changes, reason, operation } = line;
      const details = [changes.join(", "), reason, operation && `operation ${operation}`];
      return { what: verb, symbols: "-", who: by, details: joined(details) };
    }
  }
}

type Detail = string | false | undefined;

function ofDevice(line: OfDevice & OfSymbols, what: string, ...details: Detail[]): LineWords {
  const symbols = symbolsOf(line).join(" ");
  return { what, symbols, who: deviceText(line), details: joined(details) };
}

function joined(details: readonly Detail[]): string {
  return details.filter(Boolean).join("; ");
}

/** A device by its masked name and, where there is one, its hash. */
export function deviceText({ device, device_hash }: OfDevice): string {
  return device_hash ? `${device} ${device_hash}` : device;
}

type OfSymbols = { symbol?: string | null | undefined; symbols?: string[] | undefined };

/** The symbols that a line is about; `*` for a bot that names none. */
export function symbolsOf({ symbol, symbols }: OfSymbols): string[] {
  return symbols ?? [symbol ?? "*"];
}

/** What a claim replaced of this symbol. A string: an earlier session of the same device. */
export function replacedOf({ replaced }: ClaimedLine, symbol: string): Taken | string | undefined {
  return Array.isArray(replaced) ? replaced.find((taken) => taken.symbol === symbol) : replaced;
}

/** Identifies a device in the lines, as far as they tell devices apart. */
export function deviceIdOf({ device, device_hash }: OfDevice): string {
  return `${device}/${device_hash ?? ""}`;
}

/** A request that the service could not answer, in contrast to one that it refused. */
export function isFailure(code: string): boolean {
  return code === "internal_error";
}
