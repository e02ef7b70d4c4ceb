import { licenseIdOf } from "../lambdas/rules/license-id.ts";
import { askOnce } from "./ask-once.ts";
import { createChecker, type Violation } from "./checker.ts";
import { type Departure, openChoices } from "./choices.ts";
import { createDevice, type Device } from "./device.ts";
import { drawDisturbances } from "./disturbances.ts";
import type { Item } from "./expressions.ts";
import { createLapseRuns } from "./lapse-runs.ts";
import { startLegacyBotProcess } from "./legacy-bot-process.ts";
import { createLiveness } from "./liveness.ts";
import { createMemoryTable, type Operation } from "./memory-table.ts";
import { startNaiveBot } from "./naive-bot.ts";
import { createNetwork } from "./network.ts";
import { createOperators, isOperator, type LicenseInUse } from "./operators.ts";
import type { Life } from "./process-of.ts";
import { type ProgramParts, startProgram } from "./program.ts";
import { createScheduler } from "./scheduler.ts";
import { createSimulatedService, type Deployment, type StackName } from "./simulated-service.ts";
import type { Sources } from "./sources.ts";
import type { TimelineEntry } from "./timeline-text.ts";
import { withVirtualGlobals } from "./virtual-globals.ts";
import type { WorldContext } from "./world-context.ts";

/** What makes two worlds of one seed the same. */
export type WorldKind = {
  sources: Sources;
  /** Programs live for seconds instead of minutes: many more sessions in the same time. */
  restless?: boolean | undefined;
  /** Bots of many symbols, in each world instead of some. */
  several?: boolean | undefined;
};

export type World = WorldKind & { seed: number };

type WorldOptions = World & {
  /** The only departures that may happen; all by default. */
  allowed?: ReadonlySet<string> | undefined;
  /** Collects the timeline, which costs time. */
  onEntry?: ((entry: TimelineEntry) => void) | undefined;
  /** Called with each call of the table. */
  onOperation?: ((operation: Operation) => void) | undefined;
};

/** What happened in a world, or in all of a search. */
export type Seen = {
  simulatedMs: number;
  requests: number;
  sessions: number;
  /** Of these, sessions of several symbols. */
  severalSessions: number;
  /** What became of some of them, how often. */
  counts: Map<string, number>;
  /** How often clients came to each state. */
  states: Map<string, number>;
  /** How often a kind of departure befell a client, or its requests, in a state: `kind | state`. */
  meetings: Map<string, number>;
};

export type WorldResult = Seen & { violation: Violation | undefined; departures: Departure[] };

export function nothingSeen(): Seen {
  const maps = { counts: new Map(), states: new Map(), meetings: new Map() };
  return { simulatedMs: 0, requests: 0, sessions: 0, severalSessions: 0, ...maps };
}

const epochMs = Date.UTC(2027, 0, 1);

/** Runs one world: first a storm of faults, then quiet, in which everything must recover. */
export async function runWorld({
  seed,
  sources,
  allowed,
  restless = false,
  several = false,
  onEntry,
  onOperation,
}: WorldOptions): Promise<WorldResult> {
  const departures: Departure[] = [];
  const seen = nothingSeen();
  let storm = true;
  let extinct = false;
  const choices = openChoices({
    seed,
    allowed,
    onDeparture(departure) {
      departures.push(departure);
      countMeetings(departure);
    },
  });
  const probability = drawDisturbances(choices);
  const scheduler = createScheduler();
  const stormMs = choices.spread("storm", 120_000, 1_200_000);
  const context: WorldContext = {
    scheduler,
    choices,
    epochMs,
    clocks: sources.earlier ? clocksOfEarlier : clocksOfNow,
    isOfManySymbols: choices.number("multiSymbolSessions off") >= 0.12,
    untilCalm: (ms) => Math.min(ms, Math.max(1, stormMs + 20_000 - scheduler.nowMs())),
    happens(kind, name, whose) {
      const happens = storm && choices.happens(kind, name, probability(kind));
      if (happens && whose) context.note(whose, () => `${kind}: ${name}`);
      return happens;
    },
    leftBehind: new Set(),
    note(who, what) {
      onEntry?.({ atMs: scheduler.nowMs(), who, what: what() });
    },
  };
  const license: LicenseInUse = { key: "KEY-1", id: licenseIdOf("KEY-1") };
  const checker = createChecker(context, () => operators.isHandsOff(), sources.earlier?.keeps);
  const table = createMemoryTable((write) => checker.wrote(write), onOperation);
  const deploymentOf = (stack: StackName): Deployment => ({
    sessionTimeoutMs: choices.oneOf(`time-out ${stack}`, [60_000, 60_000, 30_000, 90_000]),
    legacyBots: choices.number(`legacyBots ${stack}`) < 0.5,
    multiSymbolSessions: context.isOfManySymbols,
    rules: sources.earlier ? "earlier" : "now",
  });
  const service = createSimulatedService(
    context,
    sources,
    table,
    { first: deploymentOf("first"), second: deploymentOf("second") },
    (handled) => {
      seen.requests++;
      checker.handled(handled);
      context.note(
        handled.route,
        () =>
          `answers ${handled.reply.status} ${handled.body.code} to ${handled.request.device_fingerprint}`,
      );
    },
  );
  // No bot notices what goes wrong with them: it goes on when all bots are dead, which most deaths are of.
  const happens: WorldContext["happens"] = (kind, name) =>
    choices.happens(kind, name, probability(kind));
  const lapseRuns = createLapseRuns(
    { ...context, happens },
    sources,
    table,
    checker.lapses,
    checker.fail,
  );
  const operators = createOperators(context, sources, table, service, license, checker.fail);
  const hasSecondStack = context.happens("second stack", "all day");
  const send = createNetwork(context, service);
  const devices = ["A", "B", "C"]
    .slice(0, choices.oneOf("devices", [1, 2, 2, 3]))
    .map((name) => createDevice(context, `device-${name}`));
  const hasSeveral = several || choices.number("several symbols") < 0.4;
  const manySymbols = Array.from({ length: 30 }, (_, index) => `SYM${index + 1}`);
  const symbols = hasSeveral
    ? manySymbols.slice(0, choices.oneOf("many symbols", [3, 5, 10, 30]))
    : [undefined, "ES", "NQ", "BTC"].slice(0, choices.oneOf("symbols", [1, 1, 2, 4]));
  const [firstSymbol] = symbols;
  let randomIds = 0;
  const parts: ProgramParts = {
    context,
    sources,
    send,
    checker,
    license,
    onState(process, state) {
      process.state = state;
      count(seen.states, state);
    },
    opened({ isOfSeveral }) {
      seen.sessions++;
      if (isOfSeveral) seen.severalSessions++;
      const isBeside = [...checker.processes].some(({ kind }) => kind === "legacy");
      count(seen.counts, "sessions granted beside a running legacy bot", isBeside ? 1 : 0);
    },
    stackOf: (name) =>
      hasSecondStack && choices.number(`${name} asks the second stack`) < 0.5 ? "second" : "first",
    storedRunOf: ({ name }) =>
      context.happens("run stored", name) ? `stored-run-of-${name}` : undefined,
  };

  table.put({
    license_id: { S: license.id },
    status: { S: "active" },
    license_type: { S: "standard" },
    max_sessions: {
      N: String(choices.oneOf("seats", hasSeveral ? [3, 10, 30, 100] : [1, 2, 3, 20])),
    },
    fencing_token: { N: "0" },
    sessions: { M: { ...longLapsed(), ...ofTheOldestVersion() } },
    portfolios: { M: {} },
  });
  for (const device of devices) startPerson(device);
  startHolderOfOldest();
  for (let minute = 0; minute * 60_000 < stormMs; minute++) {
    scheduler.at(minute * 60_000, undefined, () => {
      for (const device of devices) {
        device.liveMinute(minute);
        maybeCheck(`${device.name}.check-${minute}`, device);
      }
      operators.liveMinute(minute);
    });
  }
  const endMs = stormMs + 640_000;
  for (let minute = 1; minute * 60_000 < endMs; minute++) {
    scheduler.at(minute * 60_000, undefined, () => lapseRuns.liveMinute(minute));
  }
  scheduler.at(stormMs, undefined, () => {
    storm = false;
    for (const stack of ["first", "second"] as const) service.deploy({ rules: "now" }, stack);
    context.note("world", () => "the storm is over: nothing new goes wrong");
  });

  await withVirtualGlobals(
    scheduler,
    () =>
      isOperator(scheduler.current(), operators) ? operators.wallMs() : epochMs + scheduler.nowMs(),
    { randomBytes, randomInt },
    checkLog,
    async () => {
      const step = () => {
        checker.look();
        return checker.violation() === undefined;
      };
      const liveness = createLiveness(context, checker, table);
      for (let atMs = stormMs + 30_000; atMs <= stormMs + 240_000; atMs += 1_000) {
        scheduler.at(atMs, undefined, liveness.look);
      }
      await scheduler.runUntil(stormMs + 240_000, step);
      if (checker.violation()) return;
      scheduler.after(0, undefined, () => {
        extinct = true;
        context.note("world", () => "every process dies");
        for (const process of checker.processes) scheduler.kill(process.actor);
        checker.processes.clear();
        // Leaves time for messages in transit to arrive.
        scheduler.after(5_000, undefined, () => liveness.probe(license, service));
      });
      await scheduler.runUntil(endMs, step);
    },
  );
  for (const end of context.leftBehind) end();
  seen.simulatedMs = scheduler.nowMs();
  for (const [what, often] of checker.counts()) count(seen.counts, what, often);
  return { ...seen, violation: checker.violation(), departures };

  /**
   * The name of a departure starts with the affected process or device; otherwise it affects all.
   */
  function countMeetings({ kind, name }: Departure): void {
    const whose = name.slice(kind.length + 1).split(" ", 1)[0];
    const known = [...checker.processes];
    const named = known.filter((each) => each.name === whose || each.device.name === whose);
    const all = whose?.startsWith("device") ? named : known;
    for (const { state } of all) count(seen.meetings, `${kind} | ${state.split(":")[0]}`);
  }

  /** Entries that nobody has used for longer than they are kept. */
  function longLapsed(): Item {
    if (choices.number("long lapsed") < 0.7) return {};
    const lapsedMs = epochMs - 8 * 86_400_000;
    const entry: Item = {
      device_fingerprint: { S: "device-of-old" },
      session_id: { S: "of-old" },
      started_at: { N: String(lapsedMs - 60_000) },
      last_heartbeat: { N: String(lapsedMs - 60_000) },
      lapses_at: { N: String(lapsedMs) },
    };
    return { OLD: { M: entry } };
  }

  function hasOldest(): boolean {
    // An earlier version can't read it.
    return !sources.earlier?.keeps && choices.number("of the oldest version") >= 0.8;
  }

  /** A legacy bot that has run since before this service, and never claims. */
  function startHolderOfOldest(): void {
    const [device] = devices;
    if (!device || !hasOldest() || choices.number("holder of the oldest") < 0.5) return;
    const symbols = firstSymbol === undefined ? undefined : [firstSymbol];
    const name = `${device.name}.0`;
    const lastsMs = choices.spread(`${name} lasts`, 20_000, 900_000);
    const life: Life = { name, device, symbols, isOfSeveral: false, lastsMs, startedBefore: true };
    scheduler.at(1, undefined, () => void startLegacyBotProcess(parts, life));
  }

  /** A session that ca60684 stored, without the end of its lease. */
  function ofTheOldestVersion(): Item {
    if (!hasOldest()) return {};
    const entry: Item = {
      device_fingerprint: { S: "device-A" },
      session_id: { S: "of-the-oldest-version" },
      started_at: { N: String(epochMs - 90_000) },
      last_heartbeat: { N: String(epochMs - choices.between("oldest heartbeat", 0, 70_000)) },
    };
    return { [context.isOfManySymbols ? (firstSymbol ?? "*") : "*"]: { M: entry } };
  }

  function randomBytes(size: number): Buffer {
    const name = `random bytes ${++randomIds}`;
    const bytes = Array.from({ length: size }, (_, index) =>
      Math.floor(256 * choices.number(`${name} ${index}`)),
    );
    return Buffer.from(bytes);
  }

  /** What is drawn from few may come twice in one item. */
  function randomInt(max: number): number {
    const name = `random number ${++randomIds}`;
    const share = context.happens("key drawn twice", name) ? 2 / max : 1;
    return Math.floor(max * share * choices.number(name));
  }

  /** One symbol, or some of them in one session. */
  function drawSymbols(name: string): Pick<Life, "symbols" | "isOfSeveral"> {
    // An earlier version can't read the members of a session of several.
    if (!hasSeveral || sources.earlier?.keeps || choices.number(`${name} single`) < 0.25) {
      const symbol = choices.oneOf(`${name} symbol`, symbols);
      return { symbols: symbol === undefined ? undefined : [symbol], isOfSeveral: false };
    }
    const share = choices.spread(`${name} share`, 1, symbols.length) / symbols.length;
    const some = symbols.filter((symbol) => choices.number(`${name} ${symbol}`) < share);
    return { symbols: asNames(some.length > 0 ? some : symbols.slice(0, 1)), isOfSeveral: true };
  }

  function maybeCheck(name: string, device: Device): void {
    if (!context.happens("check", name)) return;
    const atMs = scheduler.nowMs() + choices.between(`${name} at`, 0, 59_000);
    scheduler.at(atMs, undefined, () => {
      if (!device.asleep) void askOnce(parts, { name, device, ...drawSymbols(name) });
    });
  }

  /** Somebody who starts programs on a device, one after the other or side by side. */
  function startPerson(device: Device): void {
    const { name } = device;
    const legacyShare = choices.oneOf(`${name} uses bots of the field`, [0, 0, 0, 0.5, 1]);
    let lives = 0;
    const isNaive = choices.number(`${name} writes bots`) < 0.3;
    const newLife = (like?: Life): Life => {
      const life = `${name}.${++lives}`;
      const { symbols, isOfSeveral } = like ?? drawSymbols(life);
      return {
        name: life,
        device,
        symbols,
        isOfSeveral,
        lastsMs: choices.spread(`${life} lasts`, 1_000, restless ? 30_000 : 900_000),
      };
    };
    const begin = async (life: Life) => {
      if (extinct) return;
      const isLegacy = choices.number(`${life.name} is of the field`) < legacyShare;
      if (isLegacy && !life.isOfSeveral) await startLegacyBotProcess(parts, life);
      else await (isNaive ? startNaiveBot : startProgram)(parts, life);
    };
    const startNext = () => {
      const life = newLife();
      const gapMs = context.happens("quick restart", life.name)
        ? choices.spread(`${life.name} restarts after`, 50, 5_000)
        : choices.spread(
            `${life.name} rests for`,
            restless ? 100 : 5_000,
            restless ? 5_000 : 120_000,
          );
      const next = () => scheduler.after(gapMs, undefined, startNext);
      if (!choices.happens("program", life.name, 1)) return void next();
      // Once it has run for a while, the program of now is started as well.
      const runsOld = !life.isOfSeveral && context.happens("old build beside", life.name);
      if (runsOld) {
        const lastsMs = choices.spread(`${life.name} old build lasts`, 10_000, 600_000);
        void startLegacyBotProcess(parts, { ...newLife(life), lastsMs });
      }
      if (context.happens("second copy", life.name)) {
        const afterMs = choices.spread(`${life.name} copied after`, 100, life.lastsMs);
        scheduler.after(afterMs, undefined, () => {
          void begin(newLife(life));
        });
      }
      const afterMs = runsOld ? choices.spread(`${life.name} new build after`, 100, 60_000) : 0;
      scheduler.after(afterMs, undefined, () => {
        void begin(life).then(extinct ? undefined : next);
      });
    };
    scheduler.at(choices.spread(`${name} begins`, 1, 60_000), undefined, startNext);
  }

  /** An error in a function's log must be a simulated fault. Otherwise it is a bug. */
  function checkLog(words: unknown[]): void {
    for (const line of words) {
      if (typeof line === "object" && line !== null) checker.logged(line);
    }
    const name = errorNameIn(words);
    if (name !== undefined && !expectedErrors.includes(name)) {
      checker.fail("no error but those of the world", name);
    }
  }
}

/** As the guarantees page says. */
const clocksOfNow = { offMs: 2_000, drift: 1 / 60 };
/** As it said up to 0.1.0: the functions' clocks differ by 2 s at most. */
const clocksOfEarlier = { offMs: 900, drift: 0.005 };

const expectedErrors = [
  "InternalServerError",
  "ThrottlingException",
  "TimeoutError",
  "ClockSkew",
  "AbortError",
  "No answer within 3500 ms",
];

function errorNameIn([first, second]: unknown[]): string | undefined {
  if (second instanceof Error) return `${first} ${second.message}`;
  if (typeof first !== "object" || first === null || !("error" in first)) return undefined;
  const { name, message } = Object(first.error);
  return name === "Error" ? String(message) : String(name);
}

export function count(counts: Map<string, number>, name: string, often = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + often);
}

function asNames(symbols: readonly (string | undefined)[]): string[] {
  return symbols.flatMap((symbol) => (symbol === undefined ? [] : [symbol]));
}
