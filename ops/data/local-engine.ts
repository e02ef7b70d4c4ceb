import { resolve } from "node:path";
import * as z from "zod";
import { portVariable, readVariables, type Variables } from "../terminal/variables.ts";

export const engineVariables = {
  DYNAMODB_PORT: portVariable.default(8000),
  DYNAMODB_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "must be an address such as http://127.0.0.1:8000" })
    .optional(),
};

const engineSchema = z.object(engineVariables);

/**
 * The endpoint of the engine that `npm start` uses, by the same environment variables.
 *
 * @throws CommandError naming the variables that are wrong
 */
export function engineEndpoint(env: Variables): string {
  const { DYNAMODB_ENDPOINT, DYNAMODB_PORT } = readVariables(engineSchema, env);
  return DYNAMODB_ENDPOINT ?? `http://127.0.0.1:${DYNAMODB_PORT}`;
}

/** The history file of `npm start`, by the same environment variable. */
export function historyFile({ DATA_DIR }: Variables): string {
  return resolve(DATA_DIR || ".local", "history.jsonl");
}

/**
 * The configuration of a client of a local engine. The values are arbitrary but must be the same
 * everywhere, because DynamoDB Local keeps separate tables for each region and access key.
 */
export function localClientConfig(endpoint: string): {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
} {
  return {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
}
