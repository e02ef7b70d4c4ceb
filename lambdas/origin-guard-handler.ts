import { createHash, timingSafeEqual } from "node:crypto";

/** The header that CloudFront adds to each request, in lower case, as events have it. */
const originHeader = "x-origin-secret";

/** The part of an authorizer's event (payload 2.0) that is read. */
type GuardEvent = { headers?: Record<string, string | undefined> };

/**
 * Lets in the requests that come through CloudFront, and so past AWS WAF: they carry a secret.
 *
 * @param secrets those accepted, separated by a space: two while one replaces the other
 */
export function originGuardHandler(secrets: string) {
  const accepted = secrets.split(" ").filter(Boolean).map(digestOf);
  // An authorizer without a secret would let in everybody.
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
