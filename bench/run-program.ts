import { execFile } from "node:child_process";
import { devNull } from "node:os";
import { join } from "node:path";
import { execArgv, execPath } from "node:process";
import { promisify } from "node:util";
import { createSigningKey } from "../ops/data/create-signing-key.ts";

/**
 * Runs a program of `programs/` in a new process, in the environment that Lambda gives a function,
 * and returns the JSON that it prints.
 */
export async function runProgram(
  name: string,
  words: string[],
  endpoint: string,
  signal: AbortSignal,
): Promise<unknown> {
  const program = join(import.meta.dirname, "programs", name);
  const { stdout } = await promisify(execFile)(execPath, [...execArgv, program, ...words], {
    signal,
    maxBuffer: 2 ** 26,
    env: {
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_SESSION_TOKEN: "local",
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      TABLE_NAME: "Sessions",
      SESSION_TIMEOUT_SECONDS: "60",
      MULTI_SYMBOL_SESSIONS: "true",
      // Signing costs time only for requests with a nonce.
      SIGNING_KEYS: createSigningKey().private_key,
    },
  });
  return JSON.parse(stdout);
}
