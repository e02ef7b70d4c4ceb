import { portfolioPath, sessionPath } from "./entry.ts";
import type { Path } from "./predicate.ts";

/** A run of a program, and which of its openings: 1, 2, ... */
export type Opening = { runId: string; claimNumber: number };

/** A caller that believes it holds a session. */
export type Holder = {
  licenseId: string;
  deviceFingerprint: string;
  /** One, or those of a session of several, as they are stored. */
  symbols: readonly string[];
  /** `undefined` if the caller does not name its session. */
  sessionId: string | undefined;
  /** Of a session of several symbols; `undefined` for a session of one. */
  portfolioKey: string | undefined;
};

/** Where the session stands in the item. */
export function placeOf({
  symbols: [symbol = ""],
  portfolioKey,
}: Pick<Holder, "symbols" | "portfolioKey">): Path {
  return portfolioKey === undefined ? sessionPath(symbol) : portfolioPath(portfolioKey);
}
