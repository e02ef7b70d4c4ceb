import type { Actor } from "./scheduler.ts";
import { seconds } from "./simulated-service.ts";
import type { WorldContext } from "./world-context.ts";

/** A machine with its two clocks, and the processes on it. */
export type Device = {
  name: string;
  /** While asleep or paused nothing runs on it. */
  asleep: boolean;
  /** A paused virtual machine runs again, but its wall clock has not been corrected yet. */
  clocksLie: boolean;
  /** When a paused virtual machine last ran again, in the time of the world. */
  pausedUntilMs: number;
  actors: Set<Actor>;
  /** Goes on while the device sleeps, and stands still while its virtual machine is paused. */
  monotonicMs(): number;
  /** The instant of the world at which the monotonic clock will show this, if nothing stops it. */
  instantOf(monotonicMs: number): number;
  /** Epoch milliseconds, as far as somebody set it right. */
  wallMs(): number;
  /** How the network is: `silent` swallows every packet, `refused` fails at once. */
  network(): "up" | "silent" | "refused";
  /** When something that it sent arrives, if it would otherwise at that instant. */
  arrivesMs(atMs: number): number;
  /** Called when the wall clock was set: a client that looks every second will notice. */
  onClockSet: Set<() => void>;
  /** What may befall it in this minute of the world. */
  liveMinute(minute: number): void;
};

/** How often a network that collects what is sent delivers it. */
const burstMs = 5_000;

export function createDevice(context: WorldContext, name: string): Device {
  const { scheduler, choices } = context;
  const rate = context.happens("clock drifts", name)
    ? 1 + context.clocks.drift * (2 * choices.number(`${name} drift`) - 1)
    : 1;
  let pausedForMs = 0;
  let wallOffsetMs = 0;
  let burstsUntilMs = 0;
  let offline: { fromMs: number; toMs: number; mode: "silent" | "refused" } | undefined;

  const device: Device = {
    name,
    asleep: false,
    clocksLie: false,
    pausedUntilMs: Number.NEGATIVE_INFINITY,
    actors: new Set(),
    monotonicMs: () => 1_000_000 + (scheduler.nowMs() - pausedForMs) * rate,
    instantOf: (monotonicMs) => (monotonicMs - 1_000_000) / rate + pausedForMs,
    // Both clocks of a machine run off one oscillator.
    wallMs: () => context.epochMs + scheduler.nowMs() * rate + wallOffsetMs,
    network() {
      const nowMs = scheduler.nowMs();
      return offline && nowMs >= offline.fromMs && nowMs < offline.toMs ? offline.mode : "up";
    },
    arrivesMs: (atMs) => (atMs < burstsUntilMs ? Math.ceil(atMs / burstMs) * burstMs : atMs),
    onClockSet: new Set(),
    liveMinute(minute) {
      const when = `${name} ${minute}`;
      if (context.happens("device offline", when)) {
        const fromMs = scheduler.nowMs() + choices.between(`${when} offline from`, 0, 60_000);
        const forMs = choices.spread(`${when} offline for`, 2_000, 120_000);
        const untilMs = fromMs + forMs - scheduler.nowMs();
        const toMs = scheduler.nowMs() + context.untilCalm(untilMs);
        const mode = choices.oneOf(`${when} offline how`, ["silent", "refused"] as const);
        offline = { fromMs, toMs, mode };
        context.note(name, () => `will be offline (${mode}) for ${seconds(toMs - fromMs)}`);
      }
      if (context.happens("network in bursts", when)) {
        burstsUntilMs = scheduler.nowMs() + context.untilCalm(60_000);
        context.note(name, () => `has a network that sends every ${seconds(burstMs)}`);
      }
      if (context.happens("sleep", when)) rest("sleep", when);
      else if (context.happens("virtual machine paused", when))
        rest("virtual machine paused", when);
      if (context.happens("wall clock set", when)) {
        later(`${when} set at`, () => {
          // Nobody sets the clock of a machine on which nothing runs.
          if (device.asleep) return;
          const size = choices.spread(`${when} set by`, 300, 7_200_000);
          setWall(choices.number(`${when} set back`) < 0.5 ? -size : size);
        });
      }
      for (const actor of device.actors) {
        const which = `${actor.name} ${minute}`;
        if (!context.happens("stall", which)) continue;
        later(`${which} stall at`, () => {
          const forMs = context.untilCalm(choices.spread(`${which} stall for`, 500, 90_000));
          context.note(actor.name, () => `is stuck for ${seconds(forMs)}`);
          scheduler.holdUp(actor);
          scheduler.after(forMs, undefined, () => scheduler.letRun(actor));
        });
      }
    },
  };
  return device;

  function later(name: string, run: () => void): void {
    const atMs = scheduler.nowMs() + choices.between(name, 0, 59_000);
    scheduler.at(atMs, undefined, run);
  }

  function setWall(byMs: number): void {
    wallOffsetMs += byMs;
    context.note(name, () => `has its wall clock set by ${seconds(byMs)}`);
    for (const notice of device.onClockSet) notice();
  }

  function rest(kind: "sleep" | "virtual machine paused", when: string): void {
    later(`${when} rest at`, () => {
      if (device.asleep) return;
      const forMs = context.untilCalm(choices.spread(`${when} rest for`, 1_000, 300_000));
      context.note(
        name,
        () => `${kind === "sleep" ? "sleeps" : "is paused"} for ${seconds(forMs)}`,
      );
      device.asleep = true;
      const held = [...device.actors];
      for (const actor of held) scheduler.holdUp(actor);
      scheduler.after(forMs, undefined, () => {
        device.asleep = false;
        context.note(name, () => "runs again");
        if (kind === "virtual machine paused") correctLater(forMs, when);
        // What was due is noticed within a second, when the client looks next.
        for (const actor of held) {
          const noticesMs = choices.between(`${when} ${actor.name} notices`, 0, 900);
          scheduler.after(noticesMs, undefined, () => scheduler.letRun(actor));
        }
      });
    });
  }

  /** No clock of the machine has counted the pause; sooner or later somebody sets the wall clock. */
  function correctLater(forMs: number, when: string): void {
    pausedForMs += forMs;
    device.pausedUntilMs = scheduler.nowMs();
    wallOffsetMs -= forMs;
    device.clocksLie = true;
    const afterMs = context.untilCalm(choices.spread(`${when} corrected after`, 1, 40_000));
    scheduler.after(afterMs, undefined, () => {
      device.clocksLie = false;
      setWall(forMs);
    });
  }
}
