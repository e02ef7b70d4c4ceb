import type { Device } from "./device.ts";
import type { Received } from "./network.ts";
import type { ProgramParts } from "./program.ts";
import { type Actor, createActor } from "./scheduler.ts";
import type { RouteName, StackName } from "./simulated-service.ts";

/** The planned life of a program, apart from faults. */
export type Life = {
  name: string;
  device: Device;
  /** As they are claimed; `undefined` for the session without a symbol. */
  symbols: readonly string[] | undefined;
  /** One session for all of them. */
  isOfSeveral: boolean;
  lastsMs: number;
  /** It runs since before the service did: it has never claimed here. */
  startedBefore?: true;
};

/** What a process believes to hold, at one moment. */
export type Belief = {
  /** What the service calls them. */
  symbols: readonly string[];
  /** Legacy bots know none. */
  token: number | undefined;
};

/** A process that wants a session. */
export type Process = {
  name: string;
  device: Device;
  actor: Actor;
  /** That it asks. */
  stack: StackName;
  licenseId: string;
  /** What it wants, as the service calls it. */
  symbols: readonly string[];
  believes(): Belief | undefined;
  kind: "client" | "naive" | "legacy";
  /** The run that other processes of its device send, too, against the rule. */
  storedRun: string | undefined;
  /** Whether its client is of an earlier version, which computes its right from the timeout. */
  countsTimeout: boolean;
  sessionId: string | undefined;
  grantedMs: number;
  /** The latest instant to which a confirmation gives a right, by a clock that is right. */
  confirmedUntilMs: number;
  /** When the request was sent that gives it, and the longest of such. */
  confirmedSentMs: number;
  sent: Map<string, number>;
  startedMs: number;
  goneMs: number | undefined;
  /** Whether it is a legacy bot that was closed: its release names no session and may arrive late. */
  releases: boolean;
  /** When the release of another copy of a legacy bot last ended its session. */
  endedByCopyMs: number;
  /** How often the client reported that somebody asks for the session. */
  askedFor: number;
  /** The last state that its client reported. */
  state: string;
  /**
   * It stopped, or waits for something only people can change, so it is not entitled to a session.
   */
  endedForGood: boolean;
  /** From now on it runs on its device. */
  begin(): void;
  leave(): void;
  pause(ms: number): Promise<void>;
  /** Sends a request. There is nothing in return if no answer comes within that time. */
  ask(route: RouteName, body: object, withinMs: number): Promise<Received | undefined>;
};

/** The process of a life that begins. */
export function processOf(
  { context, checker, license, send, stackOf }: ProgramParts,
  { name, device, symbols }: Life,
  kind: Process["kind"],
): Process {
  const { scheduler, isOfManySymbols } = context;
  const actor = createActor(name);
  const requests = { claim: 0, check: 0, heartbeat: 0, release: 0 };
  const process: Process = {
    name,
    device,
    actor,
    stack: stackOf(name),
    licenseId: license.id,
    symbols: isOfManySymbols && symbols ? symbols : ["*"],
    believes: () => undefined,
    kind,
    storedRun: undefined,
    countsTimeout: false,
    sessionId: undefined,
    grantedMs: 0,
    confirmedUntilMs: 0,
    confirmedSentMs: 0,
    sent: new Map(),
    startedMs: scheduler.nowMs(),
    goneMs: undefined,
    releases: false,
    endedByCopyMs: Number.NEGATIVE_INFINITY,
    askedFor: 0,
    state: "starting",
    endedForGood: false,
    begin() {
      device.actors.add(actor);
      // A device that sleeps starts nothing; the person does so when it is awake.
      if (device.asleep) scheduler.holdUp(actor);
      checker.started(process);
    },
    leave() {
      scheduler.kill(actor);
      device.actors.delete(actor);
      checker.gone(process);
    },
    pause: (ms) => scheduler.pause(ms, actor),
    ask(route, body, withinMs) {
      const request = `${name} ${route} ${++requests[route]}`;
      return new Promise((resolve) => {
        let isOver = false;
        const settle = (received?: Received) => {
          if (isOver) return;
          isOver = true;
          if (received) checker.received(process, request, route, received);
          resolve(received);
        };
        scheduler.after(withinMs, actor, settle);
        checker.sent(process, request);
        send(request, process, route, JSON.stringify(body), settle);
      });
    },
  };
  return process;
}
