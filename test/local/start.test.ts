import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { env } from "node:process";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { startEngine } from "../../local/database/start-engine.ts";
import { listen } from "../../local/listen.ts";
import { endsWithRun } from "../support/ends-with-run.ts";
import { tempFolder } from "./support/temp-folder.ts";

const root = join(import.meta.dirname, "../..");
const program = join(root, "local/npm-start.js");

/** Runs what `npm start` does, on ports and data of its own by default. */
async function start(
  variables: Record<string, string> = {},
  command = [process.execPath, program],
) {
  const [file = "", ...args] = command;
  const child = endsWithRun(
    spawn(file, args, {
      env: {
        TMPDIR: env.TMPDIR,
        DATA_DIR: await tempFolder(),
        DYNAMODB_PORT: "0",
        PORT: "0",
        ...variables,
      },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = Promise.all([once(child, "exit"), text(child.stderr)]);
  return {
    child,
    /** Settles when its output has ended as well: no function's process is left. */
    async end() {
      const [[exitCode], errors] = await ended;
      return { exitCode, errors };
    },
  };
}

async function busyPort(): Promise<number> {
  const other = createServer();
  onTestFinished(() => void other.close());
  return listen(other, 0, "OTHER_PORT");
}

describe("a start that can't succeed says why in one sentence and exits 1:", () => {
  test.each([
    [
      "a bad setting",
      { PORT: "eighty" },
      /^PORT must be a port number from 0 to 65535 \(0 picks a free one\), not "eighty"\.\n$/,
    ],
    [
      "another engine that is not there",
      { DYNAMODB_ENDPOINT: "http://127.0.0.1:1" },
      /^No DynamoDB answers at DYNAMODB_ENDPOINT http.*\.\n$/,
    ],
    [
      "data in what is no folder",
      { DATA_DIR: program },
      /^DATA_DIR .*npm-start\.js can't be used \(Error: ENOTDIR.*\)\. Set DATA_DIR .*\.\n$/,
    ],
  ])("%s", async (_what, variables, sentence) => {
    const { end } = await start(variables);
    expect(await end()).toEqual({ exitCode: 1, errors: expect.stringMatching(sentence) });
  });

  // Elsewhere there is no such place, and a skipped test fails the gate.
  if (process.platform === "linux") {
    test("data where no folder can be made", async () => {
      const { end } = await start({ DATA_DIR: "/proc/nowhere" });
      const sentence =
        /^DATA_DIR \/proc\/nowhere can't be used \(Error: ENOENT: .*\)\. Set DATA_DIR .*\.\n$/;
      expect(await end()).toEqual({ exitCode: 1, errors: expect.stringMatching(sentence) });
    });
  }

  test("the engine's port in use", async () => {
    const port = await busyPort();
    const { end } = await start({ DYNAMODB_PORT: String(port) });
    expect(await end()).toEqual({
      exitCode: 1,
      errors: `Port ${port} is in use; set DYNAMODB_PORT to another one.\n`,
    });
  });

  test("the API's port in use, before anything else is begun", async () => {
    const port = await busyPort();
    const { child, end } = await start({ PORT: String(port) });
    const [said, ended] = await Promise.all([text(child.stdout), end()]);
    expect({ said, ...ended }).toEqual({
      said: "",
      exitCode: 1,
      errors: `Port ${port} is in use; set PORT to another one.\n`,
    });
  });

  test("the data in use by another start", async () => {
    const dataFolder = await tempFolder();
    await using _other = await startEngine({
      dataFolder,
      enginePort: 0,
      engineEndpoint: undefined,
      host: "127.0.0.1",
    });
    const { end } = await start({ DATA_DIR: dataFolder });
    const { exitCode, errors } = await end();
    expect(exitCode).toBe(1);
    expect(errors).toMatch(
      /^The data in DATA_DIR .* can't be opened, .* set DATA_DIR to another folder\.\n$/,
    );
  });

  test.each([
    [
      "no packages",
      [],
      /^The packages .* not installed \(Cannot find package '\S+'\)\. Run "npm ci"/,
    ],
    [
      "a Node.js that is too old",
      ["--no-experimental-strip-types"],
      /^The packages .* not installed \(Node\.js v\S+ is too old\)\. Run "npm ci"/,
    ],
  ])("%s", async (_what, options, sentence) => {
    const folder = await tempFolder();
    for (const name of ["package.json", "lambdas", "local", "ops"])
      await cp(join(root, name), join(folder, name), { recursive: true });
    const copy = join(folder, "local/npm-start.js");
    const { end } = await start({}, [process.execPath, ...options, copy]);
    const { exitCode, errors } = await end();
    expect(exitCode).toBe(1);
    expect(errors).toMatch(sentence);
    expect(errors.trim().split("\n")).toHaveLength(1);
  });
});

test.each(["SIGINT", "SIGTERM"] as const)("%s while it starts ends it with 0", async (signal) => {
  const { child, end } = await start();
  await once(child.stdout, "data");
  child.kill(signal);
  expect(await end()).toEqual({ exitCode: 0, errors: "" });
});

test("it serves on when the program that reads its log has ended", async () => {
  const { child, end } = await start();
  let said = "";
  for await (const chunk of child.stdout) {
    said += chunk;
    if (/listening on .*\n/.test(said)) break;
  }
  // Leaving the loop has closed the pipe.
  const address = /listening on (\S+)/.exec(said)?.[1];
  for (let request = 0; request < 3; request++) {
    expect((await fetch(`${address}/nowhere`)).status).toBe(404);
  }
  child.kill("SIGTERM");
  expect(await end()).toEqual({ exitCode: 0, errors: "" });
});

test.skipIf(process.platform === "win32")("npm's shell takes it along when it ends", async () => {
  const shell = ["sh", "-c", '"$0" "$1"; true', process.execPath, program];
  const { child, end } = await start({ npm_lifecycle_event: "start" }, shell);
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  expect(await end()).toEqual({ exitCode: null, errors: "" });
});
