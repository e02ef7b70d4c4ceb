import { createClaimNames } from "../clients/typescript/claim-names.ts";
import { type Exchange, noAnswerInTime, type Runtime } from "../clients/typescript/runtime.ts";
import type { Device } from "./device.ts";
import type { Received, Send } from "./network.ts";
import type { Actor } from "./scheduler.ts";
import { type RouteName, routes, type StackName } from "./simulated-service.ts";
import type { WorldContext } from "./world-context.ts";

/** What the checker learns of each exchange of the client. */
type ExchangeWatch = {
  sent(name: string): void;
  received(name: string, route: RouteName, received: Received): void;
};

/** Where a client runs, and whom it asks. */
type ClientGround = {
  device: Device;
  actor: Actor;
  stack: StackName;
  /** Used instead of a run of its own, against the rule. */
  storedRun?: string | undefined;
};

/** The runtime of one client process, with the time, randomness and network of its device. */
export function createClientRuntime(
  { scheduler, choices, leftBehind }: WorldContext,
  { device, actor, stack, storedRun }: ClientGround,
  send: Send,
  watch: ExchangeWatch,
): Runtime & { nextClaimId(): string } {
  const requests = { claim: 0, check: 0, heartbeat: 0, release: 0 };
  let randoms = 0;
  let ids = 0;
  let claims = 0;

  const randomId = () => `${actor.name.replaceAll(/\W/g, "-")}-id-${`${++ids}`.padStart(8, "0")}`;

  /** Runs it when the device's monotonic clock reaches that time. */
  function atMonotonic(untilMs: number, run: () => void): () => void {
    let cancel = () => {};
    const arm = () => {
      cancel = scheduler.at(Math.ceil(device.instantOf(untilMs)), actor, () => {
        if (device.monotonicMs() >= untilMs - 0.001) run();
        else arm();
      });
    };
    arm();
    return () => cancel();
  }

  /**
   * A client that dies never stops listening. Its signal may outlive the world, and would keep it
   * in memory.
   */
  function onAbort(signal: AbortSignal, run: () => void): () => void {
    const stop = () => {
      signal.removeEventListener("abort", run);
      leftBehind.delete(stop);
    };
    signal.addEventListener("abort", run);
    leftBehind.add(stop);
    return stop;
  }

  return {
    nowMs: () => device.monotonicMs(),
    wallMs: () => device.wallMs(),
    random: () => choices.number(`${actor.name} random ${++randoms}`),
    randomId,
    nextClaimName: createClaimNames(storedRun === undefined ? randomId : () => storedRun),
    // Clients of earlier versions ask for this.
    nextClaimId: () => `${randomId()}.${actor.name.replaceAll(/\W/g, "-")}.${++claims}`,
    pause(untilMs, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const cancels = [atMonotonic(untilMs, finish)];
        const notice = () => {
          const withinMs = choices.between(`${actor.name} notices ${++randoms}`, 0, 900);
          cancels.push(scheduler.after(withinMs, actor, finish));
        };
        const stopListening = onAbort(signal, finish);
        device.onClockSet.add(notice);

        function finish() {
          for (const cancel of cancels) cancel();
          stopListening();
          device.onClockSet.delete(notice);
          resolve();
        }
      });
    },
    exchange(path, text, untilMs, signal) {
      const route = text.includes('"check_only":true') ? "check" : routes[path];
      if (!route) throw new Error(`The client asked for ${path}`);
      const name = `${actor.name} ${route} ${++requests[route]}`;
      return new Promise((resolve) => {
        if (signal.aborted) return resolve({ problem: "cancelled" });
        const cancel = atMonotonic(untilMs, () => settle({ problem: noAnswerInTime }));
        const stopListening = onAbort(signal, () => settle({ problem: "cancelled" }));
        let settled = false;
        watch.sent(name);
        send(name, { device, actor, stack }, route, text, (received) => {
          if (settled) return;
          // A forged answer gives no right, so the checker must not count it.
          const isForged = "forged" in received;
          watch.received(name, route, isForged ? { problem: "forged" } : received);
          settle(asExchange(received));
        });

        function settle(exchange: Exchange) {
          if (settled) return;
          settled = true;
          cancel();
          stopListening();
          resolve(exchange);
        }
      });
    },
  };
}

function asExchange(received: Received): Exchange {
  return "problem" in received ? received : { headers: {}, ...received };
}
