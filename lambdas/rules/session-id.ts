import { randomInt, randomUUID } from "node:crypto";

/** Keys of three characters: each member of a session of several symbols carries one. */
const keys = 36 ** 3;

/** No session of several symbols stands there. */
export const nowhere = "-";

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

export function newPortfolioKey(): string {
  return keyOf(randomInt(keys));
}

/** The key that was drawn, or the next one that is not in use. */
export function freeKey(drawn: string, isInUse: (key: string) => boolean): string {
  let number = Number.parseInt(drawn, 36);
  while (isInUse(keyOf(number))) number = (number + 1) % keys;
  return keyOf(number);
}

/** The `session_id` of the same grant at another key. */
export function sessionIdAt(sessionId: string, key: string): string {
  return sessionId.replace(/\.[^.]*\./, `.${key}.`);
}

function keyOf(number: number): string {
  return number.toString(36).padStart(3, "0");
}

/** What the `session_id` of a session of several symbols says. */
export function readSessionId(sessionId: string | undefined): {
  portfolioKey: string;
  grantedSymbols: number;
} {
  const [, key, count] = /^[^.]*\.([0-9a-z]{3}|-)\.(\d{1,3})$/.exec(sessionId ?? "") ?? [];
  return { portfolioKey: key ?? nowhere, grantedSymbols: Number(count ?? 1) };
}
