import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { functionEnvironment } from "../../../local/functions/function-environment.ts";
import { type FunctionHost, startFunction } from "../../../local/functions/start-function.ts";
import { tempFolder } from "./temp-folder.ts";

type FixtureFunction = FunctionHost & {
  /** Replaces the code that the next thread loads. */
  write(code: string): Promise<void>;
  /** What it has logged so far, line by line. */
  log(): Record<string, unknown>[];
};

/** Runs `code`, the text of an ES module with a `handler`, until the test ends. */
export async function startFixture(
  code: string,
  { timeoutSeconds = 10, environment = {}, isOwn = true }: FixtureOptions = {},
): Promise<FixtureFunction> {
  const codeFolder = await tempFolder();
  const write = (text: string) => writeFile(join(codeFolder, "index.mjs"), text);
  await write(code);
  const lines: string[] = [];
  const spec = {
    id: "Fixture",
    codeFolder,
    handler: "index.handler",
    timeoutSeconds,
    memoryMb: 128,
    logLevel: "INFO",
    environment,
  };
  const host = startFunction({
    ...spec,
    environment: functionEnvironment(
      spec,
      { endpoint: "http://127.0.0.1:1", isOwn },
      "http://127.0.0.1:2",
    ),
    log: (line) => lines.push(line),
  });
  onTestFinished(() => host[Symbol.asyncDispose]());
  return { ...host, write, log: () => lines.map((line) => JSON.parse(line)) };
}

/** Code that keeps a function from everything else, but not for ever if its test is killed. */
export const aLongLoop = "for (const endMs = Date.now() + 600_000; Date.now() < endMs; );";

type FixtureOptions = {
  timeoutSeconds?: number;
  environment?: Record<string, string>;
  /** Whether the engine is the embedded one. */
  isOwn?: boolean;
};
