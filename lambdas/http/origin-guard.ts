import { createHash, timingSafeEqual } from "node:crypto";

/** The header that CloudFront adds to each request. Events have header names in lower case. */
const originHeader = "x-origin-secret";

/**
 * Whether a request came through CloudFront, where AWS WAF has checked it. A function answers any
 * other 500 `internal_error`. API Gateway could only answer 401 or 403, and either ends a legacy
 * bot that trades.
 *
 * @param headers of the event; `undefined` if it has none
 * @param secrets the accepted secrets, separated by a space: two during a rotation. `undefined` lets
 *   every request in. Text without a secret lets nobody in
 */
export function isFromEdge(
  headers: Readonly<Record<string, string | undefined>> | undefined,
  secrets: string | undefined,
): boolean {
  if (secrets === undefined) return true;
  const given = digestOf(headers?.[originHeader] ?? "");
  // Each is compared, and in constant time, so that the answer's time tells nothing of a secret.
  const matches = secrets
    .split(" ")
    .filter(Boolean)
    .map((secret) => timingSafeEqual(digestOf(secret), given));
  return matches.includes(true);
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
