import { createDatabaseClient, type RequestUnderWay } from "./database-client.ts";
import type { MemoryTable } from "./memory-table.ts";
import { type Actor, createActor } from "./scheduler.ts";
import type { FunctionHandler, Sources } from "./sources.ts";
import { trueMs, type WorldContext } from "./world-context.ts";

/** What the functions are deployed with, from some moment on. */
export type Deployment = {
  sessionTimeoutMs: number;
  legacyBots: boolean;
  /** Which version of the functions. There is an earlier one only if it was brought along. */
  rules: "earlier" | "now";
};

/** A check has the URL of a claim; nothing that it asks may change what claims meet. */
export type RouteName = "claim" | "check" | "heartbeat" | "release";

export type Reply = { status: number; text: string; headers?: Record<string, string> };

const paths: Record<RouteName, string> = {
  claim: "/api/validate-license",
  check: "/api/validate-license",
  heartbeat: "/api/heartbeat",
  release: "/api/session/release",
};

/** One request as the API sees it, and its reply, for the checker. */
export type Handled = {
  route: RouteName;
  request: Record<string, unknown>;
  /** When the function read its clock, true time from the start of the world. */
  begunMs: number;
  /** Handled with a wrong clock, not yet proved wrong, which the guarantees page excludes. */
  isDoubtful: boolean;
  reply: Reply;
};

/** The API with its functions, as they would run on Lambda. */
export type SimulatedService = {
  deployment(): Deployment;
  /** From now on, new instances serve. Those that are serving a request finish it. */
  deploy(change: Partial<Deployment>): void;
  /**
   * A request has arrived at the API.
   *
   * @param name of this delivery; stays the same whatever else happens
   */
  receive(name: string, route: RouteName, text: string, onReply: (reply: Reply) => void): void;
  /** Sends a request now to a function without any faults. */
  probe(request: object, onReply: (reply: Reply) => void): void;
};

/** One instance of a function: a machine with a clock of its own that serves a request at a time. */
type Instance = {
  actor: Actor;
  handler: FunctionHandler;
  deployment: Deployment;
  busy: boolean;
  underWay: RequestUnderWay;
  /** Of its clock, against the true time. */
  offsetMs: number;
};

/** Functions' clocks differ by up to twice this when nothing is wrong with them. */
export const clockToleranceMs = 900;

export function createSimulatedService(
  context: WorldContext,
  sources: Sources,
  table: MemoryTable,
  initial: Deployment,
  onHandled: (handled: Handled) => void,
  onDoubtfulClock: () => void,
): SimulatedService {
  const { scheduler, choices } = context;
  const instances = new Map<RouteName, Instance[]>();
  let deployment = initial;
  let count = 0;
  let checkCount = 0;

  function createInstance(route: RouteName): Instance {
    const name = `${route} function ${route === "check" ? ++checkCount : ++count}`;
    const actor = createActor(name);
    const now = () => trueMs(context) + instance.offsetMs;
    const client = createDatabaseClient({
      context,
      table,
      actor,
      isDown: isTableDown,
      requestUnderWay: () => instance.underWay,
      now,
      provenDifferenceMs: sources.provenDifferenceMs,
    });
    const instance: Instance = {
      actor,
      deployment,
      busy: false,
      underWay: { name, calls: 0, answered: false },
      offsetMs: clockOffsetMs(name),
      handler: sources.createHandler(route, {
        deployment,
        client: route === "check" ? readOnly(client) : client,
        now,
      }),
    };
    if (Math.abs(instance.offsetMs) > clockToleranceMs) {
      context.note(name, () => `starts with a clock ${seconds(instance.offsetMs)} off`);
    }
    return instance;
  }

  function clockOffsetMs(name: string): number {
    if (context.happens("clock wrong", name)) {
      const size = choices.spread(`${name} wrong by`, 2_500, 7_200_000);
      return choices.number(`${name} direction`) < 0.5 ? -size : size;
    }
    if (!context.happens("clock off", name)) return 0;
    return choices.between(`${name} off by`, -clockToleranceMs, clockToleranceMs);
  }

  function isTableDown(): boolean {
    const minute = Math.floor(scheduler.nowMs() / 60_000);
    if (!context.happens("table down", `${minute}`)) return false;
    const from = choices.between(`table down ${minute} from`, 0, 50_000);
    const lasts = choices.spread(`table down ${minute} lasts`, 2_000, 60_000);
    const at = scheduler.nowMs() - minute * 60_000;
    return at >= from && at < from + lasts;
  }

  function instanceFor(route: RouteName, name: string): { instance: Instance; coldMs: number } {
    const all = instances.get(route) ?? [];
    instances.set(route, all);
    const free = all.filter(
      ({ actor, busy, deployment: its }) =>
        !busy && !actor.dead && actor.heldUp === 0 && its === deployment,
    );
    const newest = free.at(-1);
    if (newest && !context.happens("new instance", name)) return { instance: newest, coldMs: 0 };
    const instance = createInstance(route);
    all.push(instance);
    if (all.length > 8) all.shift();
    const cold = context.happens("cold start", name);
    return { instance, coldMs: cold ? choices.spread(`${name} cold`, 150, 2_500) : 0 };
  }

  return {
    deployment: () => deployment,
    deploy(change) {
      deployment = { ...deployment, ...change };
    },
    probe(request, onReply) {
      const { actor, handler } = createInstance("claim");
      scheduler.at(scheduler.nowMs(), actor, () => {
        const timeEpoch = trueMs(context);
        const event = {
          body: JSON.stringify(request),
          isBase64Encoded: false,
          requestContext: { timeEpoch },
        };
        handler(event, { awsRequestId: "probe" }).then(({ statusCode, body }) =>
          onReply({ status: statusCode, text: body }),
        );
      });
    },
    receive(name, route, text, onReply) {
      const nowMs = scheduler.nowMs();
      let replied = false;
      const reply = (value: Reply) => {
        if (replied) return;
        replied = true;
        onReply(value);
      };
      if (context.happens("gateway refuses", name)) {
        const status = choices.oneOf(`${name} refusal`, [429, 503]);
        context.note("gateway", () => `refuses ${name} with ${status}`);
        return reply({ status, text: '{"message":"Too Many Requests"}' });
      }
      const { instance, coldMs } = instanceFor(route, name);
      const { actor } = instance;
      instance.busy = true;
      const timeEpoch = trueMs(context);
      scheduler.at(nowMs + coldMs, actor, () => {
        const underWay = { name, calls: 0, answered: false };
        instance.underWay = underWay;
        const begunMs = scheduler.nowMs();
        const isDoubtful = mayDecideWrongly(instance.offsetMs);
        if (isDoubtful && route !== "check") onDoubtfulClock();
        maybeHoldUp("frozen in a request", instance, name, 0, 40, 20_000);
        maybeKill(instance, name, reply);
        const event = {
          body: text,
          isBase64Encoded: false,
          rawPath: paths[route],
          requestContext: { timeEpoch, http: { method: "POST" } },
        };
        instance.handler(event, { awsRequestId: name }).then((result) => {
          underWay.answered = true;
          instance.busy = false;
          const { statusCode: status, body, headers } = result;
          const value = { status, text: body, headers };
          onHandled({ route, request: JSON.parse(text), begunMs, isDoubtful, reply: value });
          maybeHoldUp("frozen between requests", instance, name, 0, 10, 60_000);
          reply(value);
        });
      });
    },
  };

  function maybeHoldUp(
    kind: "frozen in a request" | "frozen between requests",
    { actor }: Instance,
    name: string,
    minMs: number,
    maxMs: number,
    longestMs: number,
  ): void {
    if (!context.happens(kind, name)) return;
    const fromMs = scheduler.nowMs() + choices.between(`${name} ${kind} after`, minMs, maxMs);
    const lastsMs = context.untilCalm(choices.spread(`${name} ${kind} lasts`, 100, longestMs));
    scheduler.at(fromMs, undefined, () => {
      context.note(actor.name, () => `is ${kind} for ${seconds(lastsMs)}`);
      scheduler.holdUp(actor);
    });
    scheduler.at(fromMs + lastsMs, undefined, () => scheduler.letRun(actor));
  }

  function maybeKill({ actor }: Instance, name: string, reply: (reply: Reply) => void): void {
    if (!context.happens("instance killed", name)) return;
    scheduler.at(
      scheduler.nowMs() + choices.between(`${name} killed after`, 0, 20),
      undefined,
      () => {
        context.note(actor.name, () => "is killed");
        scheduler.kill(actor);
        reply({ status: 502, text: '{"message":"Internal Server Error"}' });
      },
    );
  }
}

type DatabaseClient = ReturnType<typeof createDatabaseClient>;

/** A check that writes is answered 500, and the world finds that error in its log. */
function readOnly({ send }: DatabaseClient): DatabaseClient {
  return {
    send(command) {
      const { name } = command.constructor;
      if (name !== "GetItemCommand") throw new Error(`A check has sent ${name}`);
      return send(command);
    },
  };
}

/**
 * A cold start may delay the function's reading after the API's, so a smaller lead proves nothing.
 */
const coldStartMs = 10_000;

/**
 * Whether a function may decide although its clock is wrong: it is no further ahead than a cold
 * start explains, and no answer of the table has proved it yet. The guarantees page excludes this.
 */
function mayDecideWrongly(offsetMs: number): boolean {
  return offsetMs > clockToleranceMs && offsetMs <= coldStartMs;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
