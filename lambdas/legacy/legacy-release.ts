import { absent, and, atMost } from "../rules/predicate.ts";
import type { LegacyRelease } from "../rules/release.ts";

/**
 * Legacy bots release when they are closed and again a minute later. The second release would end
 * the session of a copy that was started in the meantime.
 */
const sparedMs = 120_000;

/**
 * A release of a bot that names no session: another copy may use a young or a shared one. Earlier
 * versions marked a shared one by `contested_until` alone.
 */
export function legacyRelease(nowMs: number): LegacyRelease {
  return {
    mayEnd: (path) =>
      and(
        absent([...path, "shared"]),
        absent([...path, "contested_until"]),
        atMost([...path, "started_at"], nowMs - sparedMs),
      ),
  };
}
