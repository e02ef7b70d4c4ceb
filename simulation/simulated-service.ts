import { licenseIdOf } from "../lambdas/rules/license-id.ts";
import { createDatabaseClient, type RequestUnderWay } from "./database-client.ts";
import type { MemoryTable } from "./memory-table.ts";
import { type Actor, createActor } from "./scheduler.ts";
import type { FunctionHandler, Sources } from "./sources.ts";
import { trueMs, type WorldContext } from "./world-context.ts";

/** What the functions are deployed with, from some moment on. */
export type Deployment = {
  sessionTimeoutMs: number;
  legacyBots: boolean;
  multiSymbolSessions: boolean;
  /** Which version of the functions. There is an earlier one only if it was brought along. */
  rules: "earlier" | "now";
};

/** A check has the URL of a claim; nothing that it asks may change what claims meet. */
export type RouteName = "claim" | "check" | "heartbeat" | "release";

export type Reply = { status: number; text: string; headers?: Record<string, string> };

/** By their paths. */
export const routes: Readonly<Record<string, RouteName>> = {
  "api/validate-license": "claim",
  "api/heartbeat": "heartbeat",
  "api/session/release": "release",
};

const paths = new Map(Object.entries(routes).map(([path, route]) => [route, `/${path}`]));

/** One request as the API sees it, and its reply, for the checker. */
export type Handled = {
  /** Of the delivery. */
  name: string;
  route: RouteName;
  request: Record<string, unknown>;
  licenseId: string;
  /** When the API received it, by its own clock, epoch milliseconds. */
  receivedMs: number;
  /** When it reached the API, true time, epoch milliseconds. */
  arrivedMs: number;
  /** When the function began, true time from the start of the world. */
  begunMs: number;
  /** Whether a write of it was applied, and the table's answer has not come. */
  isUnheard: boolean;
  reply: Reply;
  /** Of the reply. */
  body: Record<string, unknown>;
};

/** Two stacks may serve one table; most worlds use the first alone. */
export type StackName = "first" | "second";

/** The API with its functions, as they would run on Lambda. */
export type SimulatedService = {
  deployment(stack: StackName): Deployment;
  /** From now on, new instances serve. Those that are serving a request finish it. */
  deploy(change: Partial<Deployment>, stack: StackName): void;
  /**
   * A request has arrived at the API.
   *
   * @param name of this delivery; stays the same whatever else happens
   */
  receive(
    name: string,
    route: RouteName,
    text: string,
    stack: StackName,
    onReply: (reply: Reply) => void,
  ): void;
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

/** The API has several machines, each with a clock of its own. */
const apiHosts = ["host 1", "host 2", "host 3"];

export function createSimulatedService(
  context: WorldContext,
  sources: Sources,
  table: MemoryTable,
  initial: Record<StackName, Deployment>,
  onHandled: (handled: Handled) => void,
): SimulatedService {
  const { scheduler, choices } = context;
  const instances = new Map<string, Instance[]>();
  const deployments = { ...initial };
  const clockToleranceMs = context.clocks.offMs;
  let count = 0;
  let checkCount = 0;

  function createInstance(route: RouteName, deployment: Deployment): Instance {
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
      skew: sources,
    });
    const instance: Instance = {
      actor,
      deployment,
      busy: false,
      underWay: { name, calls: 0, unheard: 0, answered: false },
      offsetMs: clockOffsetMs(name),
      handler: sources.createHandler(route, {
        deployment,
        client,
        now,
      }),
    };
    if (Math.abs(instance.offsetMs) > clockToleranceMs) {
      context.note(name, () => `starts with a clock ${seconds(instance.offsetMs)} off`);
    }
    return instance;
  }

  /** By the API's clock, which decides. No two clocks are wrong in the same way. */
  function receivedMs(name: string): number {
    const host = choices.oneOf(`${name} host`, apiHosts);
    if (!sources.earlier && context.happens("clock of the API wrong", name)) {
      // So much earlier, a function takes it in its first request: a cold start may explain it.
      const mostMs = choices.number(`${name} API a little wrong`) < 0.5 ? 10_000 : 7_200_000;
      const size = choices.spread(`${name} API wrong by`, 2 * clockToleranceMs + 100, mostMs);
      context.note("API", () => `has a clock that is up to ${seconds(size)} off`);
      return trueMs(context) + (choices.number(`${name} API direction`) < 0.5 ? -size : size);
    }
    if (!context.happens("clock of the API off", host)) return trueMs(context);
    return trueMs(context) + choices.between(`${host} off by`, -clockToleranceMs, clockToleranceMs);
  }

  function clockOffsetMs(name: string): number {
    // An earlier version may decide by a wrong clock, as its page says.
    if (!sources.earlier && context.happens("clock wrong", name)) {
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

  function instanceFor(route: RouteName, name: string, stack: StackName) {
    const all = instances.get(`${stack} ${route}`) ?? [];
    instances.set(`${stack} ${route}`, all);
    const deployment = deployments[stack];
    const free = all.filter(
      ({ actor, busy, deployment: its }) =>
        !busy && !actor.dead && actor.heldUp === 0 && its === deployment,
    );
    const newest = free.at(-1);
    if (newest && !context.happens("new instance", name)) return { instance: newest, coldMs: 0 };
    const instance = createInstance(route, deployment);
    all.push(instance);
    if (all.length > 8) all.shift();
    const cold = context.happens("cold start", name);
    return {
      instance,
      coldMs: cold ? choices.spread(`${name} cold`, 150, sources.earlier ? 2_000 : 10_000) : 0,
    };
  }

  return {
    deployment: (stack) => deployments[stack],
    deploy(change, stack) {
      deployments[stack] = { ...deployments[stack], ...change };
    },
    probe(request, onReply) {
      const { actor, handler } = createInstance("claim", deployments.first);
      scheduler.after(0, actor, () => {
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
    receive(name, route, text, stack, onReply) {
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
      const { instance, coldMs } = instanceFor(route, name, stack);
      const { actor } = instance;
      instance.busy = true;
      const timeEpoch = receivedMs(name);
      const arrivedMs = trueMs(context);
      scheduler.at(nowMs + coldMs, actor, () => {
        const underWay = { name, calls: 0, unheard: 0, answered: false };
        instance.underWay = underWay;
        const begunMs = scheduler.nowMs();
        maybeHoldUp("frozen in a request", instance, name, 40, 20_000);
        maybeKill(instance, name, reply);
        const event = {
          body: text,
          isBase64Encoded: false,
          rawPath: paths.get(route === "check" ? "claim" : route),
          requestContext: { timeEpoch, http: { method: "POST" } },
        };
        instance.handler(event, { awsRequestId: name }).then((result) => {
          underWay.answered = true;
          instance.busy = false;
          const { statusCode: status, body, headers } = result;
          const value = { status, text: body, headers };
          const request = JSON.parse(text);
          const licenseId = licenseIdOf(String(request.license_key));
          onHandled({
            name,
            route,
            request,
            licenseId,
            receivedMs: timeEpoch,
            arrivedMs,
            begunMs,
            isUnheard: underWay.unheard > 0,
            reply: value,
            body: JSON.parse(body),
          });
          maybeHoldUp("frozen between requests", instance, name, 10, 60_000);
          reply(value);
        });
      });
    },
  };

  function maybeHoldUp(
    kind: "frozen in a request" | "frozen between requests",
    { actor }: Instance,
    name: string,
    withinMs: number,
    longestMs: number,
  ): void {
    if (!context.happens(kind, name)) return;
    const fromMs = scheduler.nowMs() + choices.between(`${name} ${kind} after`, 0, withinMs);
    const lastsMs = context.untilCalm(choices.spread(`${name} ${kind} lasts`, 100, longestMs));
    scheduler.at(fromMs, undefined, () => {
      context.note(actor.name, () => `is ${kind} for ${seconds(lastsMs)}`);
      scheduler.holdUp(actor);
    });
    scheduler.at(fromMs + lastsMs, undefined, () => scheduler.letRun(actor));
  }

  function maybeKill({ actor }: Instance, name: string, reply: (reply: Reply) => void): void {
    if (!context.happens("instance killed", name)) return;
    scheduler.after(choices.between(`${name} killed after`, 0, 20), undefined, () => {
      context.note(actor.name, () => "is killed");
      scheduler.kill(actor);
      reply({ status: 502, text: '{"message":"Internal Server Error"}' });
    });
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
