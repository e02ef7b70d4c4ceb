import {
  deviceOf,
  type Entry,
  isHeld,
  isLive,
  secondsUntilFree,
} from "../../lambdas/sessions/session.ts";
import {
  daysLeft,
  entryState,
  type JudgedAt,
  type LicenseItem,
  standingOf,
} from "../../licenses/license-item.ts";
import { fieldLines, instantText } from "./text-table.ts";

/** A license in full, for people. */
export function licenseText(license: LicenseItem, judgedAt: JudgedAt): string {
  const sessions = Object.entries(license.sessions).sort(
    ([, a], [, b]) => b.lapses_at - a.lapses_at,
  );
  const live = sessions.filter(([, session]) => isLive(session, judgedAt.nowMs)).length;
  const fields = [
    ["license id", license.license_id],
    ["standing", standingText(license, judgedAt.nowMs)],
    ["days left", daysLeftText(license, judgedAt.nowMs)],
    ["expires", expiresText(license)],
    ["type", license.license_type],
    ["email", license.email ?? "-"],
    ["created", instantText(license.created_at)],
    ["claims so far", String(license.fencing_token)],
    [
      "sessions",
      `${live} live, ${sessions.length - live} lapsed, of at most ${license.max_sessions}`,
    ],
  ] as const;
  return (
    fields.map(([name, text]) => fieldLines(name, text)).join("") +
    sessions.map(([symbol, session]) => sessionLines(symbol, session, judgedAt)).join("")
  );
}

export function standingText(license: LicenseItem, nowMs: number): string {
  const standing = standingOf(license, nowMs);
  return license.superseded_by === undefined
    ? standing
    : `${standing}, now ${license.superseded_by.slice(0, 12)}`;
}

export function expiresText({ license_expiration }: LicenseItem): string {
  return license_expiration === undefined ? "never" : instantText(license_expiration);
}

export function daysLeftText(license: LicenseItem, nowMs: number): string {
  return String(daysLeft(license, nowMs) ?? "-");
}

/** Who holds a session, and whether still, in one line. */
export function sessionText(entry: Entry, judgedAt: JudgedAt): string {
  return `${stateText(entry, judgedAt)}, ${deviceOf(entry) ?? "unreadable"}`;
}

function stateText(entry: Entry, { nowMs }: JudgedAt): string {
  const state = entryState(entry, nowMs);
  const secondsLeft = secondsUntilFree(entry, nowMs);
  return secondsLeft === 0 ? state : `${state}, ${secondsLeft} s left`;
}

function sessionLines(symbol: string, entry: Entry, judgedAt: JudgedAt): string {
  const session = isHeld(entry) ? entry : undefined;
  const bot = [session?.bot_version, session?.bot_status].filter((text) => text !== undefined);
  const fields = [
    ["  device", deviceOf(entry) ?? "-"],
    ["  started", instantText(session?.started_at)],
    ["  last heartbeat", instantText(session?.last_heartbeat)],
    ["  bot", bot.join(", ") || "-"],
    ["  metadata", session?.metadata ?? "-"],
  ] as const;
  return [
    "\n",
    fieldLines(`session ${symbol}`.padEnd(18), stateText(entry, judgedAt)),
    ...fields.map(([name, text]) => fieldLines(name, text)),
  ].join("");
}

/** The license as a sentence names it: not by its key. */
export function licenseName({ license_id, email }: LicenseItem): string {
  return `license ${license_id.slice(0, 12)}${email === undefined ? "" : ` of ${email}`}`;
}
