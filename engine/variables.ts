import { join } from "node:path";
import * as z from "zod";
import { CommandError } from "./command-error.ts";

export type Variables = Record<string, string | undefined>;

const portError = "must be a port number from 0 to 65535 (0 picks a free one)";
export const portVariable = z
  .string()
  .regex(/^\d{1,5}$/, portError)
  .transform(Number)
  .pipe(z.number().max(65_535, portError));

export const engineVariables = {
  DYNAMODB_PORT: portVariable.default(8000),
  DYNAMODB_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "must be an address such as http://127.0.0.1:8000" })
    .optional(),
};

export const timeoutVariable = {
  SESSION_TIMEOUT_SECONDS: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, "must be a whole number of seconds from 1 to 86400")
    .transform(Number)
    .pipe(z.number().max(86_400, "must be a whole number of seconds from 1 to 86400"))
    .default(60),
};

const engineSchema = z.object(engineVariables);

/**
 * Where the engine that `npm start` uses is found, by the same variables.
 *
 * @throws CommandError naming the variables that are wrong
 */
export function engineEndpoint(env: Variables): string {
  const { DYNAMODB_ENDPOINT, DYNAMODB_PORT } = readVariables(engineSchema, env);
  return DYNAMODB_ENDPOINT ?? `http://127.0.0.1:${DYNAMODB_PORT}`;
}

/** Where the history of the sessions and changes of `npm start` is, by the same variable. */
export function historyFile({ DATA_DIR }: Variables): string {
  return join(DATA_DIR || ".local", "history.jsonl");
}

/**
 * Reads variables by a schema; one that is empty counts as not set.
 *
 * @throws CommandError naming the variables that are wrong
 */
export function readVariables<Output>(schema: z.ZodType<Output>, env: Variables): Output {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const complaints = result.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    return `${name} ${message}, not ${JSON.stringify(given[name])}`;
  });
  throw new CommandError(`${complaints.join("; ")}.`);
}
