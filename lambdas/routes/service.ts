import { readEnvironment, type Settings } from "../environment.ts";
import type { SigningKey } from "../http/signing-keys.ts";
import { createClient } from "../store/dynamodb-client.ts";
import { openTable, type SessionTable } from "../store/table.ts";

/** What a route depends on. Tests supply their own clock and table. */
export type Service = {
  settings: Omit<Settings, "signingKeys">;
  table: SessionTable;
  /** The clock, in epoch milliseconds. */
  now: () => number;
  /** Two during a rotation. If there is none, answers are not signed. */
  signingKeys?: readonly SigningKey[] | undefined;
  /** The time limit of a request. Tests raise it so that a busy machine can't fail them. */
  answerWithinMs?: number | undefined;
};

/** The service that the function's environment describes. Created once, at cold start. */
export function serviceFromEnvironment(): Service {
  const { signingKeys, ...settings } = readEnvironment();
  const table = openTable({ client: createClient(Date.now), ...settings });
  return { settings, table, now: Date.now, signingKeys };
}
