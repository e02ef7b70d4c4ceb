import * as z from "zod";
import { StartProblem } from "./start-problem.ts";

const portError = "must be a port number from 0 to 65535 (0 picks a free one)";
const port = z
  .string()
  .regex(/^\d{1,5}$/, portError)
  .transform(Number)
  .pipe(z.number().max(65_535, portError));

const engineVariables = {
  DYNAMODB_PORT: port.default(8000),
  DYNAMODB_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "must be an address such as http://127.0.0.1:8000" })
    .optional(),
};

const timeoutVariable = {
  SESSION_TIMEOUT_SECONDS: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, "must be a whole number of seconds from 1 to 86400")
    .transform(Number)
    .pipe(z.number().max(86_400, "must be a whole number of seconds from 1 to 86400"))
    .default(60),
};

const engineSchema = z.object(engineVariables);

const settingsSchema = z
  .object({
    ...engineVariables,
    PORT: port.default(3000),
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

export type Settings = z.infer<typeof settingsSchema>;

export type Variables = Record<string, string | undefined>;

/**
 * The settings of `npm start`; a variable that is empty counts as not set.
 *
 * @throws StartProblem naming the variables that are wrong
 */
export function readSettings(env: Variables): Settings {
  return parse(settingsSchema, env);
}

/**
 * Where the engine that `npm start` uses is found, by the same variables.
 *
 * @throws StartProblem naming the variables that are wrong
 */
export function engineEndpoint(env: Variables): string {
  const { DYNAMODB_ENDPOINT, DYNAMODB_PORT } = parse(engineSchema, env);
  return DYNAMODB_ENDPOINT ?? `http://127.0.0.1:${DYNAMODB_PORT}`;
}

/**
 * The time-out of the sessions that `npm start` serves, by the same variable.
 *
 * @throws StartProblem naming the variable if it is wrong
 */
export function sessionTimeoutSeconds(env: Variables): number {
  return parse(z.object(timeoutVariable), env).SESSION_TIMEOUT_SECONDS;
}

function parse<Output>(schema: z.ZodType<Output>, env: Variables): Output {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const complaints = result.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    return `${name} ${message}, not ${JSON.stringify(given[name])}`;
  });
  throw new StartProblem(`${complaints.join("; ")}.`);
}
