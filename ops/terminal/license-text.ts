import { isLive, type Session, secondsUntilLapse } from "../../lambdas/sessions/session.ts";
import {
  daysLeft,
  type JudgedAt,
  type LicenseItem,
  standingOf,
} from "../../licenses/license-item.ts";
import { fieldLines, instantText } from "./text-table.ts";

/** A license in full, for people. */
export function licenseText(license: LicenseItem, judgedAt: JudgedAt): string {
  const sessions = Object.entries(license.sessions).sort(
    ([, a], [, b]) => b.last_heartbeat - a.last_heartbeat,
  );
  const live = sessions.filter(([, session]) =>
    isLive(session, judgedAt.nowMs, judgedAt.sessionTimeoutMs),
  ).length;
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
export function sessionText(session: Session, judgedAt: JudgedAt): string {
  return `${liveText(session, judgedAt)}, ${session.device_fingerprint}`;
}

function liveText(session: Session, { nowMs, sessionTimeoutMs }: JudgedAt): string {
  return isLive(session, nowMs, sessionTimeoutMs)
    ? `live, ${secondsUntilLapse(session, nowMs, sessionTimeoutMs)} s left`
    : "lapsed";
}

function sessionLines(symbol: string, session: Session, judgedAt: JudgedAt): string {
  const bot = [session.bot_version, session.bot_status].filter((text) => text !== undefined);
  const fields = [
    ["  device", session.device_fingerprint],
    ["  started", instantText(session.started_at)],
    ["  last heartbeat", instantText(session.last_heartbeat)],
    ["  bot", bot.join(", ") || "-"],
    ["  metadata", session.metadata ?? "-"],
  ] as const;
  return [
    "\n",
    fieldLines(`session ${symbol}`.padEnd(18), liveText(session, judgedAt)),
    ...fields.map(([name, text]) => fieldLines(name, text)),
  ].join("");
}

/** The license as a sentence names it: not by its key. */
export function licenseName({ license_id, email }: LicenseItem): string {
  return `license ${license_id.slice(0, 12)}${email === undefined ? "" : ` of ${email}`}`;
}
