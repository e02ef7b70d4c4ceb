import { portfolioPath, sessionPath } from "./entry.ts";
import type { Path } from "./predicate.ts";

/** A run of a program, and which of its openings: 1, 2, ... */
export type Opening = { runId: string; claimNumber: number };

/** What a claim, a heartbeat and a release say of the session they are about. */
export type SessionRequest = {
  licenseId: string;
  deviceFingerprint: string;
  /** One, or those of a session of several; in the caller's order, as they are stored. */
  symbols: readonly string[];
  /** `undefined` if the caller does not name its session. */
  sessionId: string | undefined;
  /**
   * Where a session of several symbols stands in the attribute `portfolios`, so names call it a
   * portfolio; `undefined` for a session of one.
   */
  portfolioKey: string | undefined;
  /** When the API received the request, epoch milliseconds. */
  nowMs: number;
};

/** Where the session stands in the item. */
export function placeOf({
  symbols: [symbol = ""],
  portfolioKey,
}: Pick<SessionRequest, "symbols" | "portfolioKey">): Path {
  return portfolioKey === undefined ? sessionPath(symbol) : portfolioPath(portfolioKey);
}
