import { readEnvironment, type Settings } from "./environment.ts";
import { createClient } from "./sessions/dynamodb-client.ts";
import { openTable, type SessionTable } from "./sessions/table.ts";
import type { SigningKey } from "./signing-keys.ts";

/** What a route works with. Tests bring a clock and a table of their own. */
export type Service = {
  settings: Omit<Settings, "signingKeys">;
  table: SessionTable;
  /** The clock, in epoch milliseconds. */
  now: () => number;
  /** Two during a rotation; none: no answer is signed. */
  signingKeys?: readonly SigningKey[] | undefined;
  /** When a request is answered 500 at the latest; for tests that a busy machine must not fail. */
  answerWithinMs?: number | undefined;
};

/** The service as the environment of the function describes it; made once, at cold start. */
export function serviceFromEnvironment(): Service {
  const { signingKeys, ...settings } = readEnvironment();
  const table = openTable({ client: createClient(Date.now), ...settings });
  return { settings, table, now: Date.now, signingKeys };
}
