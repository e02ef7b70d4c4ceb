import * as z from "zod/mini";
import { readSigningKeys } from "./http/signing-keys.ts";

const flag = z.stringbool({ truthy: ["true"], falsy: ["false"] });

const environmentSchema = z.pipe(
  z.object({
    TABLE_NAME: z.string().check(z.minLength(1)),
    SESSION_TIMEOUT_SECONDS: z.coerce.number().check(z.int(), z.minimum(1), z.maximum(86_400)),
    MULTI_SYMBOL_SESSIONS: flag,
    LEGACY_BOTS: z._default(flag, false),
    ASK_FOR_REFUSED_ITEM: z._default(flag, false),
    SIGNING_KEYS: z._default(z.string(), ""),
  }),
  z.transform((variables) => ({
    tableName: variables.TABLE_NAME,
    sessionTimeoutMs: variables.SESSION_TIMEOUT_SECONDS * 1000,
    /** Off: all symbols of a license share one session. */
    multiSymbolSessions: variables.MULTI_SYMBOL_SESSIONS,
    /** On: requests without `session_id` are answered as the legacy bots expect. */
    legacyBots: variables.LEGACY_BOTS,
    /** See `SessionTableOptions` in `store/table.ts`. */
    askForRefusedItem: variables.ASK_FOR_REFUSED_ITEM,
    /** If empty, answers are not signed. */
    signingKeys: readSigningKeys(variables.SIGNING_KEYS),
  })),
);

export type Settings = z.infer<typeof environmentSchema>;

/**
 * The settings of a function, read at its cold start. Throws if one is missing or invalid: a
 * function that can't read its keys must fail rather than send unsigned answers.
 */
export function readEnvironment(): Settings {
  // biome-ignore lint/style/noProcessEnv: the one place where the functions read it
  return environmentSchema.parse(process.env);
}
