import type * as z from "zod";
import type { License } from "../../lambdas/rules/license.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { dayMs, defaultLicenseType } from "../data/license-item.ts";
import {
  emailSchema,
  keySchema,
  longestEmail,
  seatsSchema,
  timeoutSchema,
  typeSchema,
  wholeNumber,
} from "../terminal/option-readers.ts";
import { isDateAlone, parseInstantMs } from "../terminal/parse-instant.ts";
import { withFormula } from "./csv-line.ts";

/** A row of the old table or of an export, converted to the terms of this service. */
export type ImportRow = {
  licenseId: string;
  status: License["status"];
  licenseType: string;
  email: string | undefined;
  /** Epoch milliseconds; never if absent. */
  expiresAtMs: number | undefined;
  /**
   * The old status was `expired` without an end in the past. The license then ends at the import.
   */
  endsNow: boolean;
  maxSessions: number | undefined;
  /** The license's own; `undefined` if it has the service's; absent if the file does not say. */
  sessionTimeoutSeconds?: number | undefined;
  createdAtMs: number | undefined;
  /** Absent in a row of the old system, which never issued any. */
  fencingToken: number | undefined;
  supersededBy: string | undefined;
};

/** The position of each known column in a row. */
export type Header = { width: number; at: ReadonlyMap<string, number>; isExport: boolean };

const needed = ["email", "license_type", "license_status", "license_expiration"];
/** The additional columns of an export. */
const optional = [
  "max_sessions",
  "created_at",
  "fencing_token",
  "superseded_by",
  "session_timeout_seconds",
];
const names = ["license_key", "license_id"];
/** The column of a rejects file that says what is wrong with the row. */
export const reasonColumn = "reject_reason";

/** Two clocks may differ by 4 s, and the table's time is truncated to the second. */
const clocksDifferMs = 5_000;

/** More grants than a license has after its backup was made. */
const manyGrants = 1_000_000;

/**
 * The fencing token of a license that comes from a file. Tokens are times, so that this one is above
 * all that were granted after the file was made. Imports of version 0.1.0 gave tokens that are ahead
 * of their time: those go on by more than was granted.
 *
 * @param nowMs the table's time, epoch milliseconds
 */
export function importedToken(fencingToken: number, nowMs: number): number {
  const timely = nowMs + clocksDifferMs;
  return fencingToken < timely ? timely : fencingToken + manyGrants;
}

/** What version 0.1.0 gave to an import: nothing can be greater. */
function greatestToken(nowMs: number): number {
  return nowMs * 100 + manyGrants;
}

const tokenSchema = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** How a row is read. */
export type RowReading = {
  /** The end of an expired license without a recorded expiry, and the limit for tokens. */
  nowMs: number;
  /** Whether an end that is a date without a time is the last instant of that day. */
  endOfDay: boolean;
};

const firstInstantWarning =
  "its end is a date without a time, which means the first instant of that day, UTC; with --end-of-day the last";

/** Reads the header of a file. Unknown columns are ignored and reported. */
export function readHeader(
  cells: readonly string[],
): { header: Header; unknown: string[] } | { problem: string } {
  const columns = cells.map((cell) => cell.trim().toLowerCase());
  const missing = needed.filter((name) => !columns.includes(name));
  if (!columns.some((column) => names.includes(column))) missing.unshift("license_key");
  if (missing.length > 0) {
    return {
      problem: `the header must name the columns, separated by commas; it lacks ${missing.join(", ")}`,
    };
  }
  if (names.every((name) => columns.includes(name))) {
    return { problem: "the header has both license_key and license_id; remove one" };
  }
  const known = [...names, ...needed, ...optional];
  const twice = known.find((name) => columns.indexOf(name) !== columns.lastIndexOf(name));
  if (twice !== undefined) return { problem: `the header has the column ${twice} twice` };
  return {
    header: {
      width: columns.length,
      at: new Map(columns.flatMap((column, at) => (known.includes(column) ? [[column, at]] : []))),
      isExport: columns.includes("license_id"),
    },
    unknown: columns.filter((column) => !known.includes(column) && column !== reasonColumn),
  };
}

/**
 * Reads one row. Problems and warnings never quote a cell, because it may be a key in the wrong
 * column.
 */
export function readImportRow(
  { width, at, isExport }: Header,
  cells: readonly string[],
  { nowMs, endOfDay }: RowReading,
): { row: ImportRow; warnings: string[] } | { problems: string[] } {
  if (cells.length !== width) {
    return { problems: [`it has ${cells.length} fields where the header has ${width}`] };
  }
  const problems: string[] = [];
  const warnings: string[] = [];
  const row: ImportRow = {
    licenseId: licenseId(),
    ...statusAndEnd(),
    licenseType: read("license_type", typeSchema) ?? defaultLicenseType,
    email: email(),
    maxSessions: read("max_sessions", seatsSchema),
    ...(at.has("session_timeout_seconds") && {
      sessionTimeoutSeconds: read("session_timeout_seconds", timeoutSchema),
    }),
    createdAtMs: instant("created_at"),
    fencingToken: token(),
    supersededBy: id("superseded_by"),
  };
  return problems.length > 0 ? { problems } : { row, warnings };

  function cell(column: string): string {
    const text = (cells[at.get(column) ?? -1] ?? "").trim();
    return isExport ? withFormula(text) : text;
  }

  function licenseId(): string {
    if (isExport) return id("license_id") ?? missing("license_id");
    const key = cell("license_key");
    if (key === "") return missing("license_key");
    if (/\s/.test(key)) problems.push("license_key has a space in it");
    else if (!keySchema.safeParse(key).success)
      problems.push(`license_key must be ${keySchema.description}`);
    return licenseIdOf(key);
  }

  function missing(column: string): string {
    problems.push(`${column} is empty`);
    return "";
  }

  function id(column: string): string | undefined {
    const text = cell(column).toLowerCase();
    if (text === "") return undefined;
    if (!/^[0-9a-f]{64}$/.test(text)) problems.push(`${column} must be 64 hexadecimal digits`);
    return text;
  }

  function statusAndEnd(): Pick<ImportRow, "status" | "expiresAtMs" | "endsNow"> {
    const expiresAtMs = end();
    const text = cell("license_status").toLowerCase();
    switch (text) {
      case "active":
      case "suspended":
      case "cancelled":
        return { status: text, expiresAtMs, endsNow: false };
      case "canceled":
        return { status: "cancelled", expiresAtMs, endsNow: false };
      case "expired":
        if (expiresAtMs !== undefined && expiresAtMs <= nowMs) {
          return { status: "active", expiresAtMs, endsNow: false };
        }
        warnings.push("it is expired, but has no end in the past; it ends with this import");
        return { status: "active", expiresAtMs: nowMs, endsNow: true };
      default:
        problems.push("license_status must be active, suspended, cancelled or expired");
        return { status: "suspended", expiresAtMs, endsNow: false };
    }
  }

  /** A bad address is only a warning, because nothing depends on it. */
  function email(): string | undefined {
    const text = cell("email");
    if (text === "") return undefined;
    if (text.length > longestEmail) {
      problems.push(`email must be at most ${longestEmail} characters`);
    } else if (!emailSchema.safeParse(text).success) {
      warnings.push("email is not an e-mail address; it is imported as it is");
    }
    return text;
  }

  function instant(column: string): number | undefined {
    const text = cell(column);
    // PostgreSQL writes `infinity` for a timestamp that is never reached.
    if (text === "" || text.toLowerCase() === "infinity") return undefined;
    const instantMs = parseInstantMs(text);
    if (instantMs === undefined) {
      problems.push(`${column} must be a date, such as 2027-01-31 or 2027-01-31 18:00:00+00`);
    }
    return instantMs;
  }

  function end(): number | undefined {
    const expiresAtMs = instant("license_expiration");
    if (expiresAtMs === undefined || !isDateAlone(cell("license_expiration"))) return expiresAtMs;
    if (endOfDay) return expiresAtMs + dayMs - 1;
    // Of a day that is over it makes no difference.
    if (expiresAtMs + dayMs > nowMs) warnings.push(firstInstantWarning);
    return expiresAtMs;
  }

  function token(): number | undefined {
    const value = read("fencing_token", tokenSchema);
    if (value !== undefined && value > greatestToken(nowMs)) {
      problems.push(
        "fencing_token is greater than any that can have been granted by now; put back the one of the export",
      );
    }
    return value;
  }

  function read<Value>(column: string, schema: z.ZodType<Value>): Value | undefined {
    const text = cell(column);
    if (text === "") return undefined;
    const { data } = schema.safeParse(text);
    if (data === undefined) problems.push(`${column} must be ${schema.description}`);
    return data;
  }
}
