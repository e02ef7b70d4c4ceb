import { hash } from "node:crypto";
import { noSymbol } from "../rules/entry.ts";
import type { Lapse } from "../rules/lapses.ts";
import type { License } from "../rules/license.ts";
import { deviceHash, maskFingerprint, printable } from "../rules/shown-device.ts";

/** The `detail` of an event: what a rule may filter by, and a sentence for people. */
export type LapseDetail = {
  /** The same for the same lapse, however often it is reported. */
  id: string;
  license_id: string;
  email?: string;
  device: string;
  device_hash: string;
  session_id: string;
  symbols: string[];
  /** ISO 8601. */
  last_heartbeat: string;
  lapsed_at: string;
  bot_version?: string;
  status?: string;
  /** In one flat field, because the templates of a rule can't print a list. */
  sentence: string;
};

export function lapseDetail(
  { license_id, email }: Pick<License, "license_id" | "email">,
  { session, symbols }: Lapse,
): LapseDetail {
  const { device_fingerprint, session_id, last_heartbeat, lapses_at, bot_version, bot_status } =
    session;
  const device = maskFingerprint(device_fingerprint);
  const lastHeartbeat = new Date(last_heartbeat).toISOString();
  const named = symbols.filter((symbol) => symbol !== noSymbol);
  const what = named.length === 0 ? "its session" : `its session for ${named.join(", ")}`;
  const whose = email === undefined ? `license ${license_id.slice(0, 12)}` : email;
  return {
    id: hash("sha256", `${license_id} ${session_id} ${lapses_at}`, "hex").slice(0, 32),
    license_id,
    ...(email !== undefined && { email }),
    device,
    device_hash: deviceHash(license_id, device_fingerprint),
    session_id,
    symbols: [...symbols],
    last_heartbeat: lastHeartbeat,
    lapsed_at: new Date(lapses_at).toISOString(),
    ...(bot_version !== undefined && { bot_version: printable(bot_version) }),
    ...(bot_status !== undefined && { status: printable(bot_status) }),
    sentence: `The bot on ${device} (${whose}) has lost ${what}: its last heartbeat came at ${lastHeartbeat}.`,
  };
}
