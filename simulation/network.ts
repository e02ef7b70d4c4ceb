import type { Device } from "./device.ts";
import type { DisturbanceKind } from "./disturbances.ts";
import type { Actor } from "./scheduler.ts";
import type { Reply, RouteName, SimulatedService, StackName } from "./simulated-service.ts";
import type { WorldContext } from "./world-context.ts";

/** What the sender of a request gets: a reply, possibly forged, or an error. */
export type Received = (Reply & { forged?: true }) | { problem: string };

/** Sends one request from a device to the API. */
export type Send = (
  /** Of the request; stays the same whatever else happens. */
  name: string,
  sender: { device: Device; actor: Actor; stack: StackName },
  route: RouteName,
  text: string,
  onReceived: (received: Received) => void,
) => void;

const strangers: readonly Reply[] = [
  { status: 200, text: "<html>Sign in to the network</html>" },
  { status: 200, text: '{"status":"ok"}' },
  { status: 403, text: '{"message":"Forbidden"}' },
  { status: 407, text: "" },
  { status: 502, text: "<html>Bad gateway</html>" },
];

/** Forged answers that would make a bot trade, or stop it. */
const lies = [
  {
    code: "granted",
    session_id: "forged",
    fencing_token: 9,
    session_timeout_seconds: 600,
    held_for_seconds: 500,
  },
  { code: "recorded", session_timeout_seconds: 600, held_for_seconds: 500 },
  { code: "session_taken", active_device: "forged..." },
  { code: "license_suspended", license_valid: false },
  { code: "released" },
].map((body) => ({ status: 200, text: JSON.stringify(body) }));

export function createNetwork(context: WorldContext, service: SimulatedService): Send {
  const { scheduler, choices } = context;
  /** The latest signed answers on the network, for replay attacks. */
  const overheard: Reply[] = [];

  return (name, { device, actor, stack }, route, text, onReceived) => {
    const happens = (kind: DisturbanceKind, message = name) =>
      context.happens(kind, message, "network");
    const receive = (afterMs: number, received: Received) =>
      scheduler.after(afterMs, actor, () => {
        if (device.network() !== "silent") onReceived(received);
      });

    const thereMs = choices.between(`${name} there`, 8, 60);
    const backMs = choices.between(`${name} back`, 8, 60);
    if (device.network() === "refused") {
      return void receive(3, { problem: "ENETUNREACH" });
    }
    if (device.network() === "silent" || happens("request lost")) return;
    if (happens("proxy answers")) {
      receive(thereMs + backMs, choices.oneOf(`${name} stranger`, strangers));
      if (choices.number(`${name} passed on`) < 0.5) return;
    }
    if (text.includes('"nonce":') && happens("proxy forges")) {
      const forged = choices.oneOf(`${name} forgery`, [...lies, ...overheard]);
      receive(thereMs + backMs, { ...forged, forged: true });
      if (choices.number(`${name} forged and passed on`) < 0.5) return;
    }
    if (happens("connection reset")) {
      receive(thereMs + backMs, { problem: "ECONNRESET" });
      if (choices.number(`${name} sent before`) < 0.5) return;
    }
    const lateMs = happens("request late")
      ? context.untilCalm(choices.spread(`${name} late by`, 500, 120_000))
      : 0;
    deliver(name, thereMs + lateMs);
    if (happens("request twice")) {
      deliver(
        `${name} again`,
        thereMs + context.untilCalm(choices.spread(`${name} twice after`, 1, 120_000)),
      );
    }

    function deliver(delivery: string, afterMs: number): void {
      const sentMs = scheduler.nowMs();
      scheduler.at(device.arrivesMs(sentMs + afterMs), undefined, () => {
        if (scheduler.nowMs() - sentMs > 300) context.note("network", () => `delivers ${delivery}`);
        service.receive(delivery, route, text, stack, (reply) => {
          if (reply.headers && "signature" in reply.headers) {
            overheard.push(reply);
            if (overheard.length > 20) overheard.shift();
          }
          if (happens("answer lost", delivery)) return;
          if (happens("connection half closed", delivery)) {
            return void receive(backMs, { problem: "the answer broke off" });
          }
          const slowMs = happens("answer late", delivery)
            ? context.untilCalm(choices.spread(`${delivery} slow by`, 200, 60_000))
            : 0;
          receive(backMs + slowMs, reply);
        });
      });
    }
  };
}
