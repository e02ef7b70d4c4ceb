import { createHash, timingSafeEqual } from "node:crypto";

/** The header that CloudFront adds to each request. Events have header names in lower case. */
const originHeader = "x-origin-secret";

/** The part of an authorizer's event (payload 2.0) that this function reads. */
type GuardEvent = { headers?: Record<string, string | undefined> };

/**
 * Admits only requests that came through CloudFront, where AWS WAF has checked them. CloudFront
 * adds a secret to each request.
 *
 * @param secrets the accepted secrets, separated by a space: two during a rotation
 */
export function originGuardHandler(secrets: string) {
  const accepted = secrets.split(" ").filter(Boolean).map(digestOf);
  // Without a secret every request would be refused. Fail visibly instead.
  if (accepted.length === 0) throw new Error("ORIGIN_SECRETS is empty");
  return async ({ headers }: GuardEvent): Promise<{ isAuthorized: boolean }> => {
    const given = digestOf(headers?.[originHeader] ?? "");
    return { isAuthorized: accepted.some((secret) => timingSafeEqual(secret, given)) };
  };
}

// biome-ignore lint/style/noProcessEnv: the one setting of this function
export const handler = originGuardHandler(process.env.ORIGIN_SECRETS ?? "");

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
