import type { Session, SessionOptions } from "../clients/typescript/session.ts";
import type { Checker } from "./checker.ts";
import { createClientRuntime } from "./client-runtime.ts";
import type { Device } from "./device.ts";
import type { Send } from "./network.ts";
import type { LicenseInUse } from "./operators.ts";
import { type Life, type Process, processOf } from "./process-of.ts";
import { type StackName, seconds } from "./simulated-service.ts";
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
  opened(life: Life): void;
  /** Which of two stacks a program asks. */
  stackOf(name: string): StackName;
  /** The run that programs of this device keep, against the rule. */
  storedRunOf(device: Device): string | undefined;
};

/**
 * Starts a program that keeps a session with the real client, as a bot would. It opens a session,
 * waits while it is refused, reopens a lost one, and stops when its session is taken.
 *
 * @returns resolves when the program has ended, for whatever reason
 */
export function startProgram(parts: ProgramParts, life: Life): Promise<void> {
  const { context, sources, send, checker, license, onState, opened } = parts;
  const { name, device, symbols, isOfSeveral, lastsMs } = life;
  const { scheduler, choices } = context;
  const process = processOf(parts, life, "client");
  const { actor, pause } = process;
  process.storedRun = parts.storedRunOf(device);
  let session: Session | undefined;
  let single = { symbols: process.symbols, token: 0 };
  process.believes = () => {
    if (!session?.held) return undefined;
    if (!isOfSeveral || !context.isOfManySymbols) return single;
    return { symbols: session.symbols, token: session.fencingToken };
  };
  const runtime = createClientRuntime(context, process, send, {
    sent: (request) => checker.sent(process, request),
    received: (request, route, received) => checker.received(process, request, route, received),
  });
  const isEarlier = choices.number(`${name} has the earlier client`) < 0.5;
  // It knows no session of several symbols.
  const openSession =
    (isEarlier && !isOfSeveral && sources.earlier?.openSession) || sources.openSession;
  process.countsTimeout = openSession !== sources.openSession;
  const isImpatient = choices.number(`${name} impatient`) < 0.5;
  let tries = 0;
  const impatienceMs = () => choices.spread(`${name} tries again ${++tries}`, 300, 8_000);
  const endsMs = scheduler.nowMs() + lastsMs;
  const stop = new AbortController();
  const mistypes = choices.number(`${name} mistypes`) < 0.02;
  const options: SessionOptions = {
    url: "https://license.example",
    licenseKey: license.key,
    deviceFingerprint: device.name,
    ...(isOfSeveral ? { symbols: symbols ?? [] } : { symbol: symbols?.[0] }),
    signal: stop.signal,
    ...timeOptions(),
    ...(choices.number(`${name} only if free`) < 0.15 && { onlyIfFree: true }),
    ...(context.happens("asks the holder", name) && { askHolder: true }),
    onSymbolLost({ symbol, code }) {
      context.note(name, () => `has lost ${symbol}: ${code}`);
      checker.lost(process, symbol, code);
    },
    onReleaseRequest: ({ device: asker }) => answerRequest(asker),
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

  process.begin();
  context.note(
    name,
    () => `starts on ${device.name} and wants ${symbols?.join(", ") ?? "what has no symbol"}`,
  );
  scheduler.after(0, actor, () => void live().then(leave));
  if (context.happens("crash", name)) {
    scheduler.at(endsMs, undefined, () => {
      if (actor.dead) return;
      context.note(name, () => "crashes");
      leave();
    });
  } else if (context.happens("opening given up", name)) {
    scheduler.after(choices.spread(`${name} patience`, 20, 5_000), actor, () =>
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
      // Each opening has the key of the moment: an operator may have given a new one.
      process.licenseId = license.id;
      const licenseKey = mistypes ? "NO-SUCH-KEY" : license.key;
      const opening = await openSession({ ...options, licenseKey }, runtime);
      session = opening;
      context.note(name, () => `is granted the session, token ${opening.fencingToken}`);
      single = { symbols: process.symbols, token: opening.fencingToken };
      process.sessionId = opening.sessionId;
      process.grantedMs = scheduler.nowMs();
      process.askedFor = 0;
      opened(life);
      maybeReleaseInPart(opening);
      await Promise.race([over(opening.signal), pause(Math.max(1, endsMs - scheduler.nowMs()))]);
      if (opening.signal.aborted) {
        const { reason, code } = opening.signal.reason;
        session = undefined;
        const [first = "*"] = process.symbols;
        // Which of several is lost first, only the client knows.
        if (!isOfSeveral) checker.lost(process, first, code);
        return reason === "taken" || reason === "released" ? undefined : 1_000;
      }
      context.note(name, () => "releases");
      process.endedForGood = true;
      const outcome = await opening.release();
      session = undefined;
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

  function timeOptions(): Partial<SessionOptions> {
    const drawn = (option: string) => choices.number(`${name} sets ${option}`) < 0.2;
    return {
      ...(drawn("margin") && { marginMs: choices.spread(`${name} margin`, 1, 60_000) }),
      ...(drawn("request") && { requestTimeoutMs: choices.spread(`${name} request`, 200, 20_000) }),
      ...(drawn("open") && { openWithinMs: choices.spread(`${name} open`, 1_000, 200_000) }),
    };
  }

  /** It is flat at once or in a while and releases, keeps the session, or says nothing. */
  function answerRequest(asker: string): void {
    checker.asked(process);
    context.note(name, () => `is asked by ${asker} for its session`);
    const asked = session;
    const answer = choices.number(`${name} answers ${process.askedFor}`);
    if (answer < 0.4) return void asked?.keep();
    if (answer > 0.8) return;
    const afterMs = choices.spread(`${name} is flat after ${process.askedFor}`, 1, 60_000);
    void pause(afterMs).then(() => asked?.release());
  }

  function maybeReleaseInPart(opening: Session): void {
    if (!isOfSeveral || !context.happens("released in part", name)) return;
    void pause(choices.spread(`${name} releases in part after`, 100, 120_000)).then(async () => {
      const some = opening.symbols.filter(
        (symbol) => choices.number(`${name} drops ${symbol}`) < 0.4,
      );
      if (some.length === 0 || opening.signal.aborted) return;
      context.note(name, () => `releases ${some.join(", ")}`);
      const outcome = await opening.release(some);
      context.note(name, () => `is answered: ${outcome}`);
    });
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
    session = undefined;
    process.leave();
    context.note(name, () => "is gone");
    finish();
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
