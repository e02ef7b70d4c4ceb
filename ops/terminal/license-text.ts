import { deviceOf, type ResolvedEntry, secondsUntilFree } from "../../lambdas/rules/entry.ts";
import {
  daysLeft,
  entriesOf,
  entryState,
  type LicenseItem,
  standingOf,
} from "../data/license-item.ts";
import { fieldsText, idText, instantText } from "./text-table.ts";

/** A license in full, for people. */
export function licenseText(
  license: LicenseItem,
  nowMs: number,
  columns: number | undefined,
): string {
  const { changed_by, changed_at, change_reason } = license;
  const entries = entriesOf(license).sort(([, a], [, b]) => b.lapses_at - a.lapses_at);
  const fields: [name: string, text: string][] = [
    ["license id", license.license_id],
    ["standing", standingText(license, nowMs, columns)],
    ["days left", String(daysLeft(license, nowMs) ?? "-")],
    ["expires", expiresText(license)],
    ["type", license.license_type],
    ["email", license.email ?? "-"],
    ["created", instantText(license.created_at)],
    ["fencing token", String(license.fencing_token)],
    ["timeout", timeoutText(license)],
    ["sessions", `${sessionCounts(license, nowMs)}, of at most ${license.max_sessions}`],
  ];
  if (changed_by !== undefined) {
    const why = change_reason === undefined ? "" : `: ${change_reason}`;
    fields.push(["last change", `${instantText(changed_at)} by ${changed_by}${why}`]);
  }
  return (
    fieldsText(fields, columns) +
    entries.map(([symbol, entry]) => entryLines(symbol, entry, nowMs, columns)).join("")
  );
}

export function standingText(
  license: LicenseItem,
  nowMs: number,
  columns?: number | undefined,
): string {
  const standing = standingOf(license, nowMs);
  return license.superseded_by === undefined
    ? standing
    : `${standing}, now ${idText(license.superseded_by, { columns })}`;
}

export function expiresText({ license_expiration }: LicenseItem): string {
  return license_expiration === undefined ? "never" : instantText(license_expiration);
}

/** The license's own timeout, if it has one. */
export function timeoutText({ session_timeout_seconds }: LicenseItem): string {
  return session_timeout_seconds === undefined
    ? "the service's"
    : `${session_timeout_seconds} s, its own`;
}

/** Who holds a session, or held it last, and until when, in one line. */
export function sessionText(entry: ResolvedEntry, nowMs: number): string {
  return `${stateText(entry, nowMs)}, ${deviceOf(entry) ?? "nobody"}`;
}

/** The license as messages name it, which is never by its key. */
export function licenseName({ license_id, email }: LicenseItem): string {
  return `license ${license_id.slice(0, 12)}${email === undefined ? "" : ` of ${email}`}`;
}

function sessionCounts(license: LicenseItem, nowMs: number): string {
  const states = entriesOf(license).map(([, entry]) => entryState(entry, nowMs));
  const counts = new Map<string, number>().set("live", 0).set("lapsed", 0);
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}

function stateText(entry: ResolvedEntry, nowMs: number): string {
  const state = entryState(entry, nowMs);
  const secondsLeft = secondsUntilFree(entry, nowMs);
  return secondsLeft === 0 || state === "unreadable" ? state : `${state}, ${secondsLeft} s left`;
}

function entryLines(
  symbol: string,
  entry: ResolvedEntry,
  nowMs: number,
  columns: number | undefined,
): string {
  const session = entry.kind === "session" ? entry : undefined;
  const bot = [session?.bot_version, session?.bot_status].filter((text) => text !== undefined);
  const fields = [
    [`session ${symbol}`.padEnd(18), stateText(entry, nowMs)],
    ["  device", deviceOf(entry) ?? "-"],
    ["  started", instantText(session?.started_at)],
    ["  last heartbeat", instantText(session?.last_heartbeat)],
    ["  bot", bot.join(", ") || "-"],
    ["  metadata", session?.metadata ?? "-"],
  ] as const;
  return `\n${fieldsText(fields, columns)}`;
}
