import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What every answer carries: nothing is loaded from elsewhere, framed, sent elsewhere or kept. */
export const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** Why a request is not answered. */
export type Refusal = { status: number; message: string };

/**
 * Refuses requests that a page of another origin has made: by a name that leads here (DNS
 * rebinding), or straight to the port.
 */
export function refuseForeign(
  { headers }: Pick<IncomingMessage, "headers">,
  port: number,
): Refusal | undefined {
  const { host = "", origin, "sec-fetch-site": site } = headers;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(host)) {
    return { status: 421, message: "This is not the address that the command printed." };
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return { status: 403, message: "Requests of other pages are refused." };
  }
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return { status: 403, message: "Requests of other pages are refused." };
  }
  return undefined;
}

/** Refuses requests without the token that the printed address has. */
export function refuseStranger(
  { headers }: Pick<IncomingMessage, "headers">,
  token: string,
): Refusal | undefined {
  const given = Buffer.from(headers.authorization ?? "");
  const expected = Buffer.from(`Bearer ${token}`);
  if (given.length === expected.length && timingSafeEqual(given, expected)) return undefined;
  return { status: 401, message: "Open the address that the command printed: it has the token." };
}
