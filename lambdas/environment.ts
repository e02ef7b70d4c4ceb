import * as z from "zod/mini";
import { readSigningKeys } from "./http/signing-keys.ts";
import type { Service } from "./routes/service.ts";
import { createClient } from "./store/dynamodb-client.ts";
import { openTable } from "./store/table.ts";

const flag = z.pipe(
  z.enum(["true", "false"]),
  z.transform((text) => text === "true"),
);

const seconds = z.pipe(
  z.pipe(z.string().check(z.minLength(1)), z.transform(Number)),
  z.int().check(z.minimum(1), z.maximum(86_400)),
);

const environmentSchema = z.object({
  TABLE_NAME: z.string().check(z.minLength(1)),
  SESSION_TIMEOUT_SECONDS: seconds,
  /** Off: all symbols of a license share one session. */
  MULTI_SYMBOL_SESSIONS: flag,
  /** On: requests that name neither run nor session are answered as the legacy bots expect. */
  LEGACY_BOTS: z._default(flag, false),
  /** On: one process serves all requests, as with `npm start`. */
  ONE_CLOCK: z._default(flag, false),
  /** If absent, every request is served. */
  ORIGIN_SECRETS: z.optional(z.string()),
  /** If empty, answers are not signed. */
  SIGNING_KEYS: z._default(z.string(), ""),
});

/**
 * The service that the function's environment describes, once at its cold start. Throws if a setting
 * is missing or invalid: a function that can't read its keys must fail rather than send unsigned
 * answers.
 */
export function serviceFromEnvironment(): Service {
  // biome-ignore lint/style/noProcessEnv: the one place where the functions of the routes read it
  const variables = environmentSchema.parse(process.env);
  return {
    settings: {
      sessionTimeoutMs: variables.SESSION_TIMEOUT_SECONDS * 1000,
      multiSymbolSessions: variables.MULTI_SYMBOL_SESSIONS,
      legacyBots: variables.LEGACY_BOTS,
      oneClock: variables.ONE_CLOCK,
    },
    table: openTable({ client: createClient(Date.now), tableName: variables.TABLE_NAME }),
    now: Date.now,
    originSecrets: variables.ORIGIN_SECRETS,
    signingKeys: readSigningKeys(variables.SIGNING_KEYS),
  };
}
