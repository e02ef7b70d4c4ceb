import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { startWireClock, type WireClock } from "../../support/wire-clock.ts";
import { aLongLoop, startFixture } from "../support/fixture-function.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** No time limit strikes before time passes on it, however long a thread takes. */
let clock: WireClock;
beforeEach(async () => {
  clock = await startWireClock();
});
afterEach(() => clock.stop());

const instantsSchema = z.object({ fromMs: z.number(), toMs: z.number() });

const notAnswered = (reason: string | RegExp) => ({
  answered: false,
  reason: expect.stringMatching(reason),
});

describe("a function", () => {
  test("gets the event and Lambda's context, and its result comes back", async () => {
    const { invoke } = await startFixture(
      `export const handler = async (event, context) => ({
        event,
        ...context,
        fromMs: Date.now() + context.getRemainingTimeInMillis(),
        toMs: context.getRemainingTimeInMillis() + Date.now(),
      });`,
      { timeoutSeconds: 5 },
    );
    const invokedAtMs = Date.now();
    const outcome = await invoke({ é: [1, null] }, "r-1");
    expect(outcome).toMatchObject({
      answered: true,
      result: {
        event: { é: [1, null] },
        awsRequestId: "r-1",
        functionName: "Fixture",
      },
    });
    const { fromMs, toMs } = instantsSchema.parse(outcome.answered && outcome.result);
    expect(toMs).toBeGreaterThanOrEqual(invokedAtMs + 5_000);
    expect(fromMs).toBeLessThanOrEqual(Date.now() + 5_000);
  });

  test("that returns nothing answers null, and may answer at once", async () => {
    const { invoke } = await startFixture("export const handler = () => {};");
    expect(await invoke({}, "r-1")).toEqual({ answered: true, result: null });
  });

  test("has an environment of its own: Lambda's and the template's, not the developer's", async () => {
    const { invoke } = await startFixture("export const handler = async () => process.env;", {
      environment: { TABLE_NAME: "Sessions" },
    });
    const outcome = await invoke({}, "r-1");
    expect(outcome).toMatchObject({
      result: {
        TABLE_NAME: "Sessions",
        AWS_LAMBDA_FUNCTION_NAME: "Fixture",
        AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1",
        ONE_CLOCK: "true",
      },
    });
    expect(outcome).not.toHaveProperty("result.HOME");
    expect(outcome).not.toHaveProperty("result.VITEST");
  });

  test("does not know of one clock where the engine is not the embedded one", async () => {
    const code = "export const handler = async () => process.env;";
    const { invoke } = await startFixture(code, { isOwn: false });
    expect(await invoke({}, "r-1")).not.toHaveProperty("result.ONE_CLOCK");
  });

  test("keeps its state from one invocation to the next", async () => {
    const { invoke } = await startFixture("let n = 0; export const handler = async () => ++n;");
    await invoke({}, "r-1");
    expect(await invoke({}, "r-2")).toEqual({ answered: true, result: 2 });
  });

  test("has several invocations at a time, each with its own answer", async () => {
    const { invoke } = await startFixture(
      `const waiting = [];
      export const handler = (name) => new Promise((resolve) => {
        waiting.push(() => resolve(name));
        if (waiting.length === 3) for (const answer of waiting.reverse()) answer();
      });`,
    );
    const outcomes = await Promise.all(["a", "b", "c"].map((name) => invoke(name, name)));
    expect(outcomes.map((outcome) => outcome.answered && outcome.result)).toEqual(["a", "b", "c"]);
  });
});

describe("no answer, and the next invocation is answered, if a function", () => {
  test.each([
    ["throws", "throw new Error('no')", /threw/],
    ["rejects with nothing", "await Promise.reject()", /threw/],
    ["returns a circle", "const a = {}; a.a = a; return a", /threw/],
    ["returns a BigInt", "return 1n", /threw/],
    ["exits", "process.exit(0)", /exited with code 0/],
    [
      "throws later",
      "setImmediate(() => { throw new Error() }); await new Promise(() => {})",
      /code 1/,
    ],
    ["forgets a rejection", "Promise.reject(new Error()); await new Promise(() => {})", /code 1/],
    [
      "fills its memory",
      "const all = []; for (;;) all.push(new Array(1e5).fill(0))",
      /memory limit/,
    ],
  ])("%s", async (_what, code, reason) => {
    const { invoke } = await startFixture(handlerThat(code));
    expect(await invoke("badly", "r-1")).toEqual(notAnswered(reason));
    expect(await invoke("well", "r-2")).toEqual({ answered: true, result: 1 });
  });

  test.each([
    ["never resolves", "await new Promise(() => {})"],
    ["loops for ever", aLongLoop],
  ])("%s", async (_what, code) => {
    const { loaded, invoke } = await startFixture(handlerThat(code), { timeoutSeconds: 0.5 });
    await loaded;
    const outcome = invoke("badly", "r-1");
    await clock.pass(499);
    expect(await Promise.race([outcome, "pending"])).toBe("pending");
    await clock.pass(1);
    expect(await outcome).toEqual(notAnswered(/within 0.5 s/));
    expect(await invoke("well", "r-2")).toEqual({ answered: true, result: 1 });
  });

  function handlerThat(code: string): string {
    return `export const handler = async (event) => { if (event === "well") return 1; ${code}; };`;
  }
});

describe("a thread that ran out of time", () => {
  test("answers what else it has in hand, while new invocations go to a fresh one", async () => {
    const { loaded, invoke } = await startFixture(
      `import { existsSync } from "node:fs";
      import { threadId } from "node:worker_threads";
      export const handler = ({ awaited }) => new Promise((resolve) => {
        const look = () => {
          if (awaited === undefined || existsSync(awaited)) resolve(threadId);
          else setTimeout(look, 5);
        };
        look();
      });`,
      { timeoutSeconds: 1 },
    );
    const folder = await tempFolder();
    const file = join(folder, "for the other");
    await loaded;
    const late = invoke({ awaited: join(folder, "never there") }, "r-1");
    await clock.pass(600);
    const first = await invoke({}, "r-2");
    const other = invoke({ awaited: file }, "r-3");

    await clock.pass(400);
    expect(await late).toEqual(notAnswered(/within/));
    const fresh = await invoke({}, "r-4");
    await writeFile(file, "");
    expect(await other).toEqual(first);
    expect(fresh.answered).toBe(true);
    expect(fresh).not.toEqual(first);
  });

  test("is ended", async () => {
    const { invoke } = await startFixture(
      `import { createServer } from "node:net";
      export const handler = (event) => new Promise((resolve) => {
        if (event !== "listen") return;
        const server = createServer((socket) => socket.end());
        server.listen(0, "127.0.0.1", () => resolve(server.address().port));
      });`,
      { timeoutSeconds: 0.5 },
    );
    const outcome = await invoke("listen", "r-1");
    const port = outcome.answered ? Number(outcome.result) : 0;
    expect(await isListening(port)).toBe(true);
    const late = invoke("late", "r-2");
    await clock.pass(500);
    await late;
    while (await isListening(port)) await nextTurn();
  });

  function isListening(port: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(port, "127.0.0.1", () => socket.destroy());
    socket.once("close", (hadError) => resolve(!hadError));
    socket.on("error", () => {});
    return promise;
  }
});

describe("a function that can't be loaded", () => {
  test.each([
    ["has an error", "nonsense(", /loaded/],
    ["throws", "throw new Error('at load')", /loaded/],
    ["has no handler", "export const other = 1", /loaded/],
    ["has a handler with a callback", "export const handler = (a, b, done) => done()", /loaded/],
    ["exits", "process.exit(3)", /exited with code 3/],
  ])("because it %s answers nothing, and is tried again", async (_what, code, reason) => {
    const { invoke, write } = await startFixture(code);
    expect(await invoke({}, "r-1")).toEqual(notAnswered(reason));
    expect(await invoke({}, "r-2")).toEqual(notAnswered(reason));
    await write("export const handler = async () => 'mended'");
    expect(await invoke({}, "r-3")).toEqual({ answered: true, result: "mended" });
  });

  test("does not hold up the start", async () => {
    const { loaded } = await startFixture("throw new Error('at load')");
    await expect(loaded).resolves.toBeUndefined();
  });
});

describe("the log of a function", () => {
  test("has a line of JSON for each call of console, with the request it belongs to", async () => {
    const { invoke, log } = await startFixture(
      `console.info("cold");
      export const handler = async (event) => {
        await null;
        console.debug("not at this level");
        console.warn({ event });
      };`,
    );
    await Promise.all([invoke(1, "r-1"), invoke(2, "r-2")]);
    expect(log()).toEqual([
      expect.objectContaining({ level: "INFO", message: "cold" }),
      expect.objectContaining({ level: "WARN", message: { event: 1 }, requestId: "r-1" }),
      expect.objectContaining({ level: "WARN", message: { event: 2 }, requestId: "r-2" }),
    ]);
  });

  test.each([
    ["thrown", "throw new RangeError('no')"],
    [
      "thrown outside of the handler",
      "setImmediate(() => { throw new RangeError('no') }); await new Promise(() => {})",
    ],
  ])("logs an error that was %s", async (_how, code) => {
    const { invoke, log } = await startFixture(`export const handler = async () => { ${code} };`);
    await invoke({}, "r-1");
    const message = { errorType: "RangeError", errorMessage: "no", stackTrace: expect.any(Array) };
    expect(log()).toEqual([expect.objectContaining({ requestId: "r-1", message })]);
  });
});
