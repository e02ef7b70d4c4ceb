import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Finding, FindingKind } from "./findings.ts";
import { type Program, startProgram, tradeLine } from "./program.ts";
import type { CaseRecord, Exchange, ProgramRecord, Route } from "./record.ts";
import { createService } from "./service.ts";
import type { Lease } from "./sessions.ts";
import type { StillClock } from "./still-clock.ts";

/** What a case's script works with: a service, programs, and time. */
export type Stage = Awaited<ReturnType<typeof openStage>>;

/** Ends a script early: what was found is in the stage's findings. */
export class CaseOver extends Error {}

/** The case can't be played with this program; the message says why. */
export class CaseSkipped extends Error {}

/** Long enough for a program that waits 5 s for an answer, and its own pause after that. */
export const silenceAllowedSeconds = 6;

/** For a program whose runtime takes its time to start, on a busy machine. */
const startsWithinSeconds = 20;

const usualLease: Lease = { timeoutSeconds: 6, heldForSeconds: 5, intervalSeconds: 2 };

/**
 * Sets up one case.
 *
 * @param command that starts the program
 * @param stillClock makes monotonic clocks that can stand still, if the case needs one
 * @param stop ends every wait of the script
 */
export async function openStage(
  command: readonly string[],
  stillClock: StillClock | undefined,
  stop?: AbortSignal,
) {
  const originMs = performance.now();
  const nowMs = () => performance.now() - originMs;
  const record: CaseRecord = { exchanges: [], programs: [] };
  const findings: Finding[] = [];
  const service = createService(usualLease, nowMs, record.exchanges);
  const licenseKey = `CHECK-${randomBytes(8).toString("hex").toUpperCase()}`;
  const fingerprint = `check-bot-${randomBytes(8).toString("hex")}`;
  const watchers = new Set<() => void>();
  const programs: { program: Program; record: ProgramRecord; door: Door; clock?: Clock }[] = [];
  let endedAtMs = Number.POSITIVE_INFINITY;
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  service.watch(changed);
  const trades = await openTradeDoor((program, text) => heard(program, text, 1));

  return {
    service,
    record,
    findings,
    licenseKey,
    nowMs,
    lease: usualLease,

    /** Starts the program; the first time, or once more on the same device. */
    start: async () => launch(await service.openDoor()),
    /** Starts the program while its address refuses connections. */
    startWithoutService: async () => {
      const door = await service.openDoor();
      await door.shut();
      await launch(door);
    },
    /** Starts the program, and waits until it trades. */
    open: async () => {
      await launch(await service.openDoor());
      await hasAsked("claim", 1);
      await tradesAgain(silenceAllowedSeconds, "did-not-open", "was granted a session");
    },
    /** Connections are refused from now on, or taken again. */
    goAway: async () => void (await Promise.all(programs.map(({ door }) => door.shut()))),
    comeBack: async () => void (await Promise.all(programs.map(({ door }) => door.open()))),

    wait,
    hasAsked,
    tradesAgain,
    /** Looks that the program trades on after that time, in which nothing is in its way. */
    stillTradesAfter: async (seconds: number) => {
      await wait(seconds);
      await tradesAgain(silenceAllowedSeconds, "stopped-with-right", "could have kept its session");
    },
    find,
    skip: (why: string): never => {
      throw new CaseSkipped(why);
    },

    /** Stops the program's processes, with every clock going on or with the monotonic ones standing still. */
    pauseFor: async (seconds: number, whileAsleep: () => Promise<void> = async () => {}) => {
      const paused = programs[0];
      if (!paused) return;
      paused.program.signal("SIGSTOP");
      const fromMs = nowMs();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      await whileAsleep();
      paused.clock?.standStillFor(nowMs() - fromMs);
      paused.record.paused.push({ fromMs, untilMs: nowMs() });
      paused.program.signal("SIGCONT");
    },
    /** Whether the program reads the clock that can stand still. */
    readsStillClock: () => programs[0]?.clock?.wasRead() ?? false,
    /** Asks the program to stop, as a terminal or a supervisor does. */
    signal: (name: "SIGINT" | "SIGTERM") => {
      const [told] = programs;
      if (!told) return;
      told.record.toldToStopAtMs = nowMs();
      told.program.signal(name);
    },

    /** Ends what still runs. */
    close: async () => {
      endedAtMs = nowMs();
      for (const { program } of programs) if (!program.isOver()) program.signal("SIGKILL");
      // What it started may live on with its output.
      const allHeard = Promise.all(programs.map(({ program }) => program.heard));
      await Promise.race([allHeard, delay(1_000, undefined, { ref: false })]);
      trades.stop();
      await service.stop();
      for (const { clock } of programs) clock?.close();
      return endedAtMs;
    },
  };

  async function launch(door: Door): Promise<void> {
    const index = programs.length;
    const program: ProgramRecord = {
      startedAtMs: nowMs(),
      tradesAtMs: [],
      paused: [],
      output: "",
      bursts: 0,
    };
    record.programs.push(program);
    const clock = stillClock?.forProgram();
    const variables = {
      LICENSE_URL: door.url,
      LICENSE_KEY: licenseKey,
      DEVICE_FINGERPRINT: fingerprint,
      SYMBOL: "ES",
      TRADE_URL: `${trades.url}/trade/${index}`,
      ...clock?.variables,
    };
    const started = startProgram(
      command,
      variables,
      (line, atOnce) => heard(index, line, atOnce),
      (how) => {
        // By the examiner, when the case is over.
        if (endedAtMs <= nowMs()) return;
        program.exited = { atMs: nowMs(), how };
        changed();
      },
    );
    programs.push({ program: started, record: program, door, ...(clock ? { clock } : {}) });
    await started.started;
  }

  /** A line of a program's output, or what it posted. */
  function heard(index: number, line: string, atOnce: number): void {
    const program = record.programs[index];
    if (!program) return;
    const trade = tradeLine.exec(line);
    if (!trade) {
      program.output += `${line}\n`;
      return;
    }
    const clock = trade[1] === undefined ? undefined : Number(trade[1]) - Date.now() + nowMs();
    if (clock === undefined && atOnce > 5) program.bursts += 1;
    // Never later than it came, nor before the program was there.
    const isTimed = clock !== undefined && clock > program.startedAtMs;
    const atMs = isTimed ? Math.min(clock, nowMs()) : nowMs();
    if (atMs > endedAtMs) return;
    program.tradesAtMs.push(atMs);
    changed();
  }

  function find(kind: FindingKind, text: string, atMs = nowMs()): void {
    findings.push({ kind, text, atMs });
  }

  /** Lets time go by; ends early once no program is left, as nothing can happen any more. */
  async function wait(seconds: number): Promise<void> {
    await until(allOver, seconds);
  }

  function allOver(): boolean {
    return programs.every(({ program }) => program.isOver());
  }

  /** Waits until so many requests of a route have arrived, from now on. */
  async function hasAsked(route: Route, times: number): Promise<Exchange[]> {
    const before = count(route);
    const asked = () => count(route) - (route === "claim" ? 0 : before) >= times;
    await until(() => asked() || allOver(), startsWithinSeconds);
    if (!asked()) {
      const exit = record.programs[0]?.exited;
      const why = exit ? `it exited with ${exit.how}` : `none came within ${startsWithinSeconds} s`;
      if (route === "claim" && count("claim") === 0) find("no-claim", `sent no claim: ${why}`);
      else find("did-not-return", `sent no further ${route}: ${why}`);
      throw new CaseOver();
    }
    return record.exchanges.filter((exchange) => exchange.route === route);
  }

  function count(route: Route): number {
    return record.exchanges.filter((exchange) => exchange.route === route).length;
  }

  /** Waits for the next TRADE. */
  async function tradesAgain(seconds: number, kind: FindingKind, although: string): Promise<void> {
    const sinceMs = nowMs();
    const [program] = record.programs;
    const traded = () => program?.tradesAtMs.some((atMs) => atMs > sinceMs) ?? false;
    await until(() => traded() || program?.exited !== undefined, seconds);
    if (traded()) return;
    const exit = program?.exited;
    find(
      kind,
      exit
        ? `exited with ${exit.how}, although it ${although}`
        : `printed no TRADE within ${seconds} s, although it ${although}`,
      exit?.atMs ?? nowMs(),
    );
    throw new CaseOver();
  }

  async function until(condition: () => boolean, seconds: number): Promise<void> {
    if (condition()) return;
    if (stop?.aborted) throw new CaseOver();
    await new Promise<void>((resolve, reject) => {
      const end = () => {
        watchers.delete(look);
        stop?.removeEventListener("abort", stopped);
        clearTimeout(timer);
        resolve();
      };
      const stopped = () => {
        reject(new CaseOver());
        end();
      };
      stop?.addEventListener("abort", stopped, { once: true });
      const look = () => {
        if (condition()) end();
      };
      const timer = setTimeout(end, seconds * 1_000);
      watchers.add(look);
    });
  }
}

type Door = Awaited<ReturnType<ReturnType<typeof createService>["openDoor"]>>;
type Clock = ReturnType<StillClock["forProgram"]>;

/** Where a program posts that it trades, if it has no output of its own. */
async function openTradeDoor(heard: (program: number, text: string) => void) {
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      text += part;
    });
    request.on("end", () => {
      const program = Number(/^\/trade\/(\d+)/.exec(request.url ?? "")?.[1] ?? Number.NaN);
      heard(program, tradeLine.test(text) ? text : "TRADE");
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
