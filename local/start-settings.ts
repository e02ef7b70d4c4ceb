import * as z from "zod";
import { engineVariables } from "../ops/data/local-engine.ts";
import { portVariable, readVariables, type Variables } from "../ops/terminal/variables.ts";

const timeoutError = "must be a whole number of seconds from 1 to 86400";
const flag = z.enum(["true", "false"], { error: "must be true or false" });

const settingsSchema = z
  .object({
    ...engineVariables,
    PORT: portVariable.default(3000),
    DATA_DIR: z.string().default(".local"),
    SESSION_TIMEOUT_SECONDS: z
      .string()
      .regex(/^[1-9]\d{0,4}$/, timeoutError)
      .refine((text) => Number(text) <= 86_400, timeoutError)
      .default("60"),
    HOST: z
      .string()
      .regex(/^[\w.:-]+$/, "must be an address or a name of this machine, such as 0.0.0.0")
      .default("127.0.0.1"),
    MULTI_SYMBOL_SESSIONS: flag.default("true"),
    LEGACY_BOTS: flag.default("false"),
    LAPSE_EVENTS: flag.default("false"),
    // Parsed later, because an error message here would quote the value.
    SIGNING_KEYS: z.string().default(""),
  })
  .transform((variables) => ({
    host: variables.HOST,
    port: variables.PORT,
    enginePort: variables.DYNAMODB_PORT,
    /** Another engine to use instead of the embedded one. */
    engineEndpoint: variables.DYNAMODB_ENDPOINT,
    dataFolder: variables.DATA_DIR,
    /** Values are text, as with `cdk -c`. */
    stack: {
      sessionTimeoutSeconds: variables.SESSION_TIMEOUT_SECONDS,
      multiSymbolSessions: variables.MULTI_SYMBOL_SESSIONS,
      legacyBots: variables.LEGACY_BOTS,
      lapseEvents: variables.LAPSE_EVENTS,
      // `infra/stack-settings.ts` then accepts timeouts that are too short for AWS.
      ...(!variables.DYNAMODB_ENDPOINT && { "license-sessions:own-engine": "true" }),
    },
    /** If empty, a key in the data folder is used. */
    signingKeys: variables.SIGNING_KEYS,
  }));

export type StartSettings = z.infer<typeof settingsSchema>;

/**
 * The settings of `npm start`. An empty variable counts as unset.
 *
 * @throws CommandError naming the variables that are wrong
 */
export function readStartSettings(env: Variables): StartSettings {
  return readVariables(settingsSchema, env);
}
