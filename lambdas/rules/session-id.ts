import { randomBytes, randomUUID } from "node:crypto";

/** No session of several symbols stands there. */
const nowhere = "-";

/**
 * The `session_id` of a grant. If it was asked for with `symbols`, it says where the session stands
 * and how many symbols it was granted.
 *
 * @param isApart whether the symbols have entries of their own; off, all symbols share one session
 */
export function newSessionId(namedSymbols: number | undefined, isApart: boolean) {
  const id = randomUUID();
  if (namedSymbols === undefined) return { sessionId: id, portfolioKey: undefined };
  const portfolioKey = isApart ? newPortfolioKey() : undefined;
  return { sessionId: `${id}.${portfolioKey ?? nowhere}.${namedSymbols}`, portfolioKey };
}

/** Three characters, because each member of a session carries them. */
export function newPortfolioKey(): string {
  return randomBytes(6).toString("base64url").replace(/[-_]/g, "0").slice(0, 3);
}

/** What the `session_id` of a session of several symbols says. */
export function readSessionId(sessionId: string | undefined): {
  portfolioKey: string;
  grantedSymbols: number;
} {
  const [, portfolioKey = nowhere, count = "1"] = (sessionId ?? "").split(".");
  return { portfolioKey, grantedSymbols: Number(count) };
}
