import type { ChildProcess } from "node:child_process";
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openSession } from "../../clients/typescript/open-session.ts";
import { neverAborted } from "../../clients/typescript/runtime.ts";
import { startFakeService } from "./fake-service.ts";
import { entry, runProgram } from "./run-program.ts";

const claimPath = "/api/validate-license";
const releasePath = "/api/session/release";

/** Keeps a program running that has nothing else to do. */
const stay = "setInterval(() => {}, 1_000);";

describe("a Node.js program that comes to its end", () => {
  let service: Awaited<ReturnType<typeof startFakeService>>;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    service = await startFakeService();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    service.stop();
  });

  function run(source: string) {
    const running = runProgram(service.url, source);
    children.push(running.child);
    return running;
  }

  const releases = () => service.asked.filter((path) => path === releasePath).length;

  test("having nothing left to do, releases its session, and the keeping does not keep it alive", async () => {
    const { ended } = run(`
      globalThis.session = await openSession(bot);
      console.log(session.held);`);
    expect(await ended).toEqual({ exitCode: 0, signal: null, output: "true\n" });
    expect(releases()).toBe(1);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s, releases its session and dies by that signal",
    async (name) => {
      const { child, ended } = run(`await openSession(bot); ${stay} console.log("open");`);
      await ready(child);
      child.kill(name);
      expect(await ended).toMatchObject({ exitCode: null, signal: name });
      expect(releases()).toBe(1);
    },
  );

  const listen = `process.once("SIGTERM", () => { console.log("mine", session.held); clearInterval(timer); });`;

  test.for([
    ["before", listen, ""],
    ["after", "", listen],
  ])(
    "with a listener of its own, set %s, releases beside it, leaves the end to it, and says so",
    async ([, before, after]) => {
      const { child, ended } = run(`
        let session, timer; ${before}
        session = await openSession(bot); ${after}
        timer = ${stay} console.log("open");`);
      await ready(child);
      child.kill("SIGTERM");
      const { exitCode, signal, output } = await ended;
      expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: null });
      expect(output).toMatch(
        /^open\nmine true\nSIGTERM: the sessions were released\. This program has 1 more listener to SIGTERM, to which the end of the process is left/,
      );
      expect(releases()).toBe(1);
    },
  );

  test("with a listener of its own, gets to know what became of an opening that the signal ended", async () => {
    const answerClaim = service.holdBack(claimPath);
    const { child, ended } = run(`
      // Later than what the client does at the signal.
      process.once("SIGTERM", () => setTimeout(() => setTimeout(() => console.log("mine"))));
      openSession(bot).catch((error) => console.log(error.message));`);
    await service.wasAsked(claimPath);
    child.kill("SIGTERM");
    await ready(child);
    answerClaim();
    const { exitCode, output } = await ended;
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^mine\n(.*\n)*The program ends\n$/);
    expect(releases()).toBe(1);
  });

  test("that has opted out, is in charge: nothing is released beside its listener, or said", async () => {
    const { child, ended } = run(`
      process.once("SIGTERM", async () => {
        await new Promise((resolve) => setImmediate(resolve));
        console.log(session.held, await session.release());
        clearInterval(timer);
      });
      const session = await openSession({ ...bot, releaseAtExit: false });
      const timer = ${stay} console.log("open");`);
    await ready(child);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ exitCode: 0, output: "open\ntrue released\n" });
    expect(releases()).toBe(1);
  });

  // What signal-exit does, which is in most trees: it ends the process if nobody else listens.
  const signalExit = (emitter: string) => `
    const emitter = ${emitter} = { count: 1 };
    const passive = () => {
      if (process.listeners("SIGTERM").length !== emitter.count) return;
      process.off("SIGTERM", passive);
      console.log("hooks");
      process.kill(process.pid, "SIGTERM");
    };
    process.on("SIGTERM", passive);`;

  test.for([
    ["signal-exit 3", signalExit("process.__signal_exit_emitter__")],
    ["signal-exit 4", signalExit('globalThis[Symbol.for("signal-exit emitter")]')],
    [
      "a library that sends the signal again at once",
      `process.once("SIGTERM", () => { console.log("hooks"); process.kill(process.pid, "SIGTERM"); });`,
    ],
  ])("with %s in it, releases its session and dies by the signal", async ([, library]) => {
    const { child, ended } = run(`
      ${library}
      globalThis.session = await openSession(bot); ${stay} console.log("open");`);
    await ready(child);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    expect((await ended).output).toMatch(/^open\nhooks\n/);
    expect(releases()).toBe(1);
  });

  test("with another version of this package in it, releases its sessions, too, and knows its errors", async () => {
    // What every version agrees on, whatever else it changes.
    const { child, ended } = run(`
      import { LicenseSessionError, SessionEnded, SessionRefused } from ${JSON.stringify(entry)};
      const leave = async () => console.log("the other one's");
      globalThis[Symbol.for("license-session.process-end.1")] = {
        leavers: new Set([{ leave, warn: console.log }]),
      };
      const theirs = { [Symbol.for("license-session.error")]: "SessionRefused" };
      const classes = [LicenseSessionError, SessionRefused, SessionEnded];
      globalThis.session = await openSession(bot); ${stay}
      console.log(...classes.map((known) => theirs instanceof known));`);
    await ready(child);
    child.kill("SIGTERM");
    expect(await ended).toEqual({
      exitCode: null,
      signal: "SIGTERM",
      output: "true true false\nthe other one's\n",
    });
    expect(releases()).toBe(1);
  });

  test("is not held up by a release that nobody answers, if the signal comes again", async () => {
    service.holdBack(releasePath);
    const { child, ended } = run(`
      const clock = performance.now.bind(performance);
      let passedMs = 0;
      performance.now = () => clock() + passedMs;
      await openSession(bot); ${stay} console.log("open");
      process.stdin.once("data", () => {
        passedMs = 1_000;
        console.log("a second later");
      });`);
    await ready(child);
    child.kill("SIGTERM");
    await service.wasAsked(releasePath);
    child.stdin?.write("wait");
    await ready(child);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    expect(releases()).toBe(1);
  });

  function runInWorker(inWorker: string, inMain = "") {
    return run(`
      import { Worker } from "node:worker_threads";
      const source = \`
        import { openSession } from \${JSON.stringify(entry)};
        const bot = \${JSON.stringify(bot)};
        ${inWorker}\`;
      const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(source)));
      ${inMain}`);
  }

  test("in a worker thread, releases when the thread has nothing left to do, and says what it can't", async () => {
    const { ended } = runInWorker(`
      const sessions = [await openSession({ ...bot, symbol: "ES" }), await openSession(bot)];
      console.log("open", sessions.length);`);
    const { output } = await ended;
    expect(output).toContain("open 2");
    expect(output.match(/opened in a worker thread/g)).toHaveLength(1);
    expect(releases()).toBe(2);
  });

  test.for([
    ["a signal", `process.kill(process.pid, "SIGTERM");`, { exitCode: null, signal: "SIGTERM" }],
    ["terminate()", "worker.terminate();", { exitCode: 0, signal: null }],
    ["the end of the main thread", "process.exit();", { exitCode: 0, signal: null }],
  ] as const)(
    "in a worker thread, at %s, ends as ever, and was warned that its session lapses then",
    async ([what, ending, ends]) => {
      const { ended } = runInWorker(
        `import { parentPort } from "node:worker_threads";
        const say = (text) => parentPort.postMessage(text);
        await openSession({ ...bot, logger: { ...console, info() {}, warn: say } });
        say("open");
        ${stay}`,
        `worker.on("message", (text) => {
          console.log(text);
          if (text === "open") { ${ending} }
        });`,
      );
      const { output, ...how } = await ended;
      expect(how).toEqual(ends);
      expect(output).toMatch(/^This session is opened in a worker thread\. .* not at .*: call /);
      expect(output.split("not at ")[1]).toContain(what);
      expect(releases()).toBe(0);
    },
  );

  test("while a session is being opened, releases what it is granted after all", async () => {
    const answerClaim = service.holdBack(claimPath);
    const { child, ended } = run(`
      process.stdin.once("data", () => {
        // Gone before the client counts who else listens. The client acts in a timer of its own,
        // and one that is set later is called later.
        const said = () => setTimeout(() => console.log("interrupted"));
        process.prependOnceListener("SIGINT", () => setImmediate(said));
        process.kill(process.pid, "SIGINT");
      });
      await openSession(bot);
      console.log("open");`);
    await service.wasAsked(claimPath);
    child.stdin?.write("interrupt");
    await ready(child);
    answerClaim();
    expect(await ended).toEqual({ exitCode: null, signal: "SIGINT", output: "interrupted\n" });
    expect(releases()).toBe(1);
  });

  test("releases fifty sessions side by side, of which none waits for another's answer", async () => {
    const answerReleases = service.holdBack(releasePath);
    const { child, ended } = run(`
      await Promise.all(Array.from({ length: 50 }, (_, index) =>
        openSession({ ...bot, symbol: "S" + index })));
      ${stay} console.log("open");`);
    await ready(child);
    child.kill("SIGTERM");
    await service.wasAsked(releasePath, 50);
    answerReleases();
    expect(await ended).toMatchObject({ signal: "SIGTERM" });
  });

  test("leaves nothing of the client's on the process once its sessions are over", async () => {
    const { ended } = run(`
      const names = ["SIGINT", "SIGTERM", "SIGHUP", "beforeExit", "newListener"];
      const counts = () => names.map((name) => process.listenerCount(name)).join();
      const before = counts();
      for (let round = 0; round < 20; round++) await (await openSession(bot)).release();
      await new Promise((resolve) => setImmediate(resolve));
      console.log(counts() === before);`);
    expect((await ended).output).toBe("true\n");
  });

  test("is warned once that it has dropped an open session, and keeps it; one that is over leaves nothing", async () => {
    const { ended } = run(`
      import { setImmediate } from "node:timers/promises";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc");
      const collectGarbage = runInNewContext("gc");
      const warned = [];
      bot.logger = { ...console, debug() {}, info() {}, warn: (text) => warned.push(text) };
      const open = (symbol) => openSession({ ...bot, symbol });
      const release = async () => {
        const session = await open("RELEASED");
        await session.release();
        return new WeakRef(session);
      };
      const drop = async () => (await open("DROPPED")).signal;
      globalThis.session = await open("IN USE");
      const released = await release();
      const signal = await drop();
      for (let rounds = 0, after = 0; rounds < 500 && after < 10; rounds++) {
        collectGarbage();
        await setImmediate();
        if (warned.length > 0 && !released.deref()) after++;
      }
      console.log(warned.join("\\n"), released.deref(), signal.aborted, session.held);`);
    const { output } = await ended;
    expect(output).toMatch(
      /^License session DROPPED: the program has let go of it, .* undefined false true\n$/,
    );
    expect(releases()).toBe(3);
  });

  test("with `await using`, has released it at the end of the block", async () => {
    const { ended } = run(`
      {
        await using session = await openSession({ ...bot, releaseAtExit: false });
        console.log(session.held);
      }`);
    expect(await ended).toEqual({ exitCode: 0, signal: null, output: "true\n" });
    expect(releases()).toBe(1);
  });
});

test("a dozen sessions with one signal, and their releases, add one listener to a signal: Node.js 20 warns from eleven on", async () => {
  const service = await startFakeService();
  onTestFinished(() => service.stop());
  const bot = { url: service.url, licenseKey: "KEY", deviceFingerprint: "device" };
  const ending = new AbortController();
  const listeners = ({ signal }: { signal: AbortSignal }) =>
    getEventListeners(signal, "abort").length;
  const answerReleases = service.holdBack(releasePath);
  const options = { ...bot, signal: ending.signal };
  const sessions = await Promise.all(Array.from({ length: 12 }, () => openSession(options)));
  expect(listeners(ending)).toBe(1);
  ending.abort();
  await service.wasAsked(releasePath, 12);
  expect(listeners({ signal: neverAborted })).toBe(1);
  answerReleases();
  const outcomes = await Promise.all(sessions.map((session) => session.release()));
  expect(outcomes).toEqual(Array(12).fill("released"));
  expect([listeners(ending), listeners({ signal: neverAborted })]).toEqual([0, 0]);
});

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.stdout?.once("data", () => resolve()));
}
