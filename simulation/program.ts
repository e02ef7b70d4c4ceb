import type { SessionOptions } from "../clients/typescript/session.ts";
import type { Checker, Process } from "./checker.ts";
import { createClientRuntime } from "./client-runtime.ts";
import type { Device } from "./device.ts";
import type { Send } from "./network.ts";
import type { LicenseInUse } from "./operators.ts";
import { processOf } from "./process-of.ts";
import { seconds } from "./simulated-service.ts";
import { publicKeys, type Sources } from "./sources.ts";
import type { WorldContext } from "./world-context.ts";

export type ProgramParts = {
  context: WorldContext;
  sources: Sources;
  send: Send;
  checker: Checker;
  license: LicenseInUse;
  onState(process: Process, state: string): void;
  /** A session was granted. */
  opened(): void;
};

/** The planned life of a program, apart from faults. */
export type Life = { name: string; device: Device; symbol: string | undefined; lastsMs: number };

/**
 * Starts a program that keeps a session with the real client, as a bot would. It opens a session,
 * waits while it is refused, reopens a lost one, and stops when its session is taken.
 *
 * @returns resolves when the program has ended, for whatever reason
 */
export function startProgram(
  { context, sources, send, checker, license, onState, opened }: ProgramParts,
  life: Life,
): Promise<void> {
  const { name, device, symbol, lastsMs } = life;
  const { scheduler, choices } = context;
  const process = processOf(life, license.id);
  const { actor } = process;
  const runtime = createClientRuntime(context, device, actor, send, {
    sent: (request) => checker.sent(process, request),
    received: (request, route, received) => checker.received(process, request, route, received),
  });
  const isImpatient = choices.number(`${name} impatient`) < 0.5;
  let tries = 0;
  const impatienceMs = () => choices.spread(`${name} tries again ${++tries}`, 300, 8_000);
  const endsMs = scheduler.nowMs() + lastsMs;
  const stop = new AbortController();
  const options: SessionOptions = {
    url: "https://license.example",
    licenseKey: choices.number(`${name} mistypes`) < 0.02 ? "NO-SUCH-KEY" : license.key,
    deviceFingerprint: device.name,
    symbol,
    signal: stop.signal,
    ...(choices.number(`${name} pins the key`) < 0.3 && { publicKeys }),
    ...reportOption(),
    ...(choices.number(`${name} waits`) < 0.25 && {
      waitWithinMs: choices.spread(`${name} waits for`, 5_000, 300_000),
    }),
    logger,
    onStatus(status) {
      onState(process, status.state === "ended" ? `ended: ${status.reason}` : status.state);
      context.note(name, () => statusText(status));
    },
  };
  let finish = () => {};
  const gone = new Promise<void>((resolve) => {
    finish = resolve;
  });

  device.actors.add(actor);
  // A device that sleeps starts nothing; the person does so when it is awake.
  if (device.asleep) scheduler.holdUp(actor);
  checker.started(process);
  context.note(
    name,
    () => `starts on ${device.name} and wants ${symbol ?? "the session without symbol"}`,
  );
  scheduler.at(scheduler.nowMs(), actor, () => void live().then(leave));
  if (context.happens("crash", name)) {
    scheduler.at(endsMs, undefined, () => {
      if (actor.dead) return;
      context.note(name, () => "crashes");
      leave();
    });
  } else if (context.happens("opening given up", name)) {
    scheduler.at(scheduler.nowMs() + choices.spread(`${name} patience`, 20, 5_000), actor, () =>
      stop.abort(new Error("given up")),
    );
  }
  return gone;

  async function live(): Promise<void> {
    while (scheduler.nowMs() < endsMs && !stop.signal.aborted) {
      process.endedForGood = false;
      const again = await openAndKeep();
      if (again === undefined) return;
      if (again > 15_000) process.endedForGood = true;
      await pause(Math.min(again, Math.max(1, endsMs - scheduler.nowMs())));
    }
  }

  /** How long to wait before the next try; `undefined` to stop. */
  async function openAndKeep(): Promise<number | undefined> {
    try {
      const session = await sources.openSession(options, runtime);
      context.note(name, () => `is granted the session, token ${session.fencingToken}`);
      checker.opened(process, session);
      opened();
      await Promise.race([over(session.signal), pause(Math.max(1, endsMs - scheduler.nowMs()))]);
      if (session.signal.aborted) {
        const { reason, code } = session.signal.reason;
        checker.ended(process, code);
        process.session = undefined;
        return reason === "taken" || reason === "released" ? undefined : 1_000;
      }
      context.note(name, () => "releases");
      process.endedForGood = true;
      const outcome = await session.release();
      process.session = undefined;
      context.note(name, () => `is answered: ${outcome}`);
      return undefined;
    } catch (error) {
      const { name: kind, waitSeconds } = error as { name?: string; waitSeconds?: number };
      context.note(name, () => `is refused: ${(error as Error).message}`);
      onState(process, `refused: ${kind}`);
      if (kind === "LicenseRefused") return 20_000;
      if (kind === "SessionRefused") {
        return isImpatient ? impatienceMs() : Math.max(1, waitSeconds ?? 5) * 1_000;
      }
      return kind === "ServiceUnavailable" ? 2_000 : undefined;
    }
  }

  /** Most report little or nothing; some too much, or too late. */
  function reportOption(): Pick<SessionOptions, "report"> {
    const kind = choices.number(`${name} reports`);
    if (kind < 0.6) return {};
    const trades = Array.from({ length: kind < 0.95 ? 3 : 600 }, (_, index) => index);
    const report = { botVersion: "1.0", status: "running", metadata: { trades } };
    return {
      report: () => (kind < 0.9 ? report : pause(kind < 0.97 ? 900 : 4_000).then(() => report)),
    };
  }

  function leave(): void {
    scheduler.kill(actor);
    device.actors.delete(actor);
    process.session = undefined;
    checker.gone(process);
    context.note(name, () => "is gone");
    finish();
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      scheduler.at(scheduler.nowMs() + ms, actor, resolve);
    });
  }
}

/** Discards the client's log, because the timeline already contains its states. */
const logger = {
  debug() {},
  info() {},
  warn() {},
  error: (...words: unknown[]) => console.error(...words),
};

function over(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

function statusText(status: {
  state: string;
  rightLastsMs?: number;
  code?: string;
  problem?: string;
}) {
  const { state, rightLastsMs, code, problem } = status;
  const right = rightLastsMs === undefined ? "" : `, for ${seconds(rightLastsMs)}`;
  const why = code ?? problem;
  return `${state}${why === undefined ? "" : ` (${why})`}${right}`;
}
