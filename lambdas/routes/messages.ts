import type { Conflict, SeatRefusal } from "../rules/claim.ts";
import { deviceOf, type ResolvedEntry, secondsUntilFree } from "../rules/entry.ts";
import type { LicenseCode } from "../rules/license.ts";
import type { NotHeld } from "../rules/release.ts";
import { maskFingerprint, printable } from "../rules/shown-device.ts";

/** Deployed bots print only the message of a refusal, so each message says what to do. */
export const licenseMessages: Record<LicenseCode, string> = {
  license_unknown: "There is no license with this key. Check the key for typos.",
  license_suspended: "The license is suspended. Ask whoever issued it.",
  license_cancelled: "The license is cancelled, or it has a new key. Ask whoever issued it.",
  license_expired: "The license has expired. Renew it to continue.",
};

/**
 * Says that the license itself is valid, who holds the session, and for how long.
 *
 * @param names the blocked symbols as the caller wrote them, if it asked for several
 */
export function conflictMessage(
  { blocked: [first] }: Conflict,
  nowMs: number,
  ownDevice: string,
  names: readonly string[] = [],
): string {
  const blocked = names.length > 0 ? `Not free: ${listed(names)}. ` : "";
  const again = `${blocked}Try again in ${secondsUntilFree(first.entry, nowMs)} s.`;
  const isOver = first.entry.kind === "vacancy";
  if (deviceOf(first.entry) === ownDevice) {
    return isOver
      ? `The license is fine, but a program on this device used it last, and may still. ${again}`
      : `The license is fine, but another program on this device holds the session. Close that program, or use it there. ${again}`;
  }
  const where = isOver ? "kept for the device that used it last" : "in use on another device";
  return `The license is fine, but ${where} (${shownDevice(first.entry)}). ${again}`;
}

export function seatMessage(
  { first, inUse, maxSessions, wantedSeats }: SeatRefusal,
  nowMs: number,
): string {
  if (!first && inUse.length === 0) {
    return `The license is fine, but allows ${maxSessions} symbols at a time, and ${wantedSeats} were asked for. Ask for fewer.`;
  }
  const named = inUse.map(({ symbol, isOwn }) => {
    const name = symbol === "*" ? "a session without symbol" : symbol;
    return isOwn ? `${name} (this device)` : name;
  });
  const wait = first
    ? ` Try again in ${secondsUntilFree(first.entry, nowMs)} s.`
    : " Ask for fewer symbols.";
  const taken =
    inUse.length < maxSessions
      ? `${wantedSeats} symbols were asked for, and ${inUse.length} of its ${maxSessions} sessions are in use`
      : `all of its sessions (${maxSessions}) are in use`;
  return `The license is fine, but ${taken}: ${listed(named)}.${wait}`;
}

const mostNamed = 5;

function listed(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : "";
  return `${names.slice(0, mostNamed).map(printable).join(", ")}${more}`;
}

export const overMessages = {
  claim_late:
    "This attempt came too late: the opening it belongs to is over. Open the session again if it is still wanted.",
  session_ended:
    "An operator ended the session that this attempt asks for. Open it again only when somebody asks for it.",
} as const;

export const lossMessages = {
  session_taken:
    "Another device holds this session now. Stop here, or stop that device and claim again.",
  session_replaced:
    "A later claim by this device has replaced this session. Stop: another process took it over.",
  session_unnamed:
    "A program on this device holds this session by name. A heartbeat has to send its session_id.",
  session_ended:
    "An operator ended this session. Stop, and don't claim again without being asked to.",
  session_not_found: "This session no longer exists. Stop, and claim a new one.",
} as const;

export const notHeldMessages: Record<NotHeld, string> = {
  no_session: "Nothing to release.",
  another_device: "Nothing to release: another device holds this session.",
  another_session: "Nothing to release: this device holds the symbol by another session.",
  named_session:
    "Nothing to release: the session has a name. Send its session_id, or run_id and claim_number.",
};

export function releasedMessage(waitSeconds: number): string {
  return waitSeconds === 0
    ? "The session has ended."
    : `The session has ended. Another process on this device may still be running, so other devices must wait ${waitSeconds} s.`;
}

export function leftToLapseMessage(waitSeconds: number): string {
  return `Another program may use the session, so it is not ended at once. It lapses in ${waitSeconds} s. Send its session_id to end it.`;
}

/** @throws Error if no version of the service wrote the entry: somebody edited it by hand */
export function shownDevice(entry: ResolvedEntry): string {
  const device = deviceOf(entry);
  if (device === undefined) throw new Error("An entry of the license can't be read");
  return maskFingerprint(device);
}
