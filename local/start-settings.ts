import * as z from "zod";
import {
  engineVariables,
  portVariable,
  readVariables,
  timeoutVariable,
  type Variables,
} from "../engine/variables.ts";

const settingsSchema = z
  .object({
    ...engineVariables,
    PORT: portVariable.default(3000),
    DATA_DIR: z.string().default(".local"),
    ...timeoutVariable,
    MULTI_SYMBOL_SESSIONS: z
      .enum(["true", "false"], { error: "must be true or false" })
      .default("true"),
  })
  .transform((variables) => ({
    port: variables.PORT,
    enginePort: variables.DYNAMODB_PORT,
    /** Another engine to use instead of the embedded one. */
    engineEndpoint: variables.DYNAMODB_ENDPOINT,
    dataFolder: variables.DATA_DIR,
    sessionTimeoutSeconds: variables.SESSION_TIMEOUT_SECONDS,
    multiSymbolSessions: variables.MULTI_SYMBOL_SESSIONS === "true",
  }));

export type StartSettings = z.infer<typeof settingsSchema>;

/**
 * The settings of `npm start`; a variable that is empty counts as not set.
 *
 * @throws CommandError naming the variables that are wrong
 */
export function readStartSettings(env: Variables): StartSettings {
  return readVariables(settingsSchema, env);
}
