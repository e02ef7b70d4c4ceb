import {
  dayMs,
  entriesOf,
  entryState,
  type LicenseItem,
  type Standing,
  standingOf,
} from "./license-item.ts";

/** Which licenses are meant; without any of these, all that were not rekeyed. */
export type Selection = {
  status?: Standing | undefined;
  type?: string | undefined;
  /** Of the bot in a live session. */
  version?: string | undefined;
  /** Days. */
  expiringWithin?: number | undefined;
};

export function isSelected(
  license: LicenseItem,
  { status, type, version, expiringWithin }: Selection,
  nowMs: number,
): boolean {
  const standing = standingOf(license, nowMs);
  if (status !== undefined && standing !== status) return false;
  if (type !== undefined && license.license_type !== type) return false;
  if (version !== undefined && !runs(license, version, nowMs)) return false;
  if (expiringWithin === undefined) return true;
  const ends = license.license_expiration ?? Number.POSITIVE_INFINITY;
  return standing === "active" && ends <= nowMs + expiringWithin * dayMs;
}

function runs(license: LicenseItem, version: string, nowMs: number): boolean {
  return entriesOf(license).some(
    ([, entry]) =>
      entry.kind === "session" &&
      entryState(entry, nowMs) === "live" &&
      entry.bot_version === version,
  );
}
