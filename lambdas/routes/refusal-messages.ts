import type { ClaimRefusal } from "../rules/claim.ts";
import type { EndedCode } from "../rules/license.ts";
import { maskFingerprint } from "../rules/session.ts";

/** Deployed bots print only the message of a refusal, so each message says what to do. */
export const unknownLicense = "There is no license with this key. Check the key for typos.";

export const endedMessages: Record<EndedCode, string> = {
  license_suspended: "The license is suspended. Ask whoever issued it.",
  license_cancelled: "The license is cancelled. Ask whoever issued it.",
  license_expired: "The license has expired. Renew it to continue.",
};

type InUse = Extract<ClaimRefusal, { code: "session_conflict" | "session_limit" }>;

/** Says that the license itself is valid, which device holds the session, and for how long. */
export function inUseMessage({ code, blockedBy, waitSeconds }: InUse): string {
  const device = maskFingerprint(blockedBy);
  return code === "session_conflict"
    ? `The license is fine, but in use on another device (${device}). Try again in ${waitSeconds} s.`
    : `The license is fine, but all of its sessions are in use, one of them on ${device}. Try again in ${waitSeconds} s.`;
}
