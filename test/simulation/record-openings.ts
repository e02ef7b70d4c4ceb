import { type Exchange, noAnswerInTime, type Runtime } from "../../clients/typescript/runtime.ts";
import type { Session, SessionOptions } from "../../clients/typescript/session.ts";
import { routes } from "../../simulation/simulated-service.ts";
import type { Sources } from "../../simulation/sources.ts";
import { errorInShort, statusInShort } from "../clients/in-short.ts";

/** What a client did in a world, in the words of `clients/scenarios/`. */
type RecordedOpening = {
  guarantee: string;
  options: { waitWithinMs?: number };
  random: number;
  server: Record<string, unknown>[];
  does: [atMs: number, what: "release" | "abort"][];
  opens?: number;
  refused?: Record<string, unknown>;
  statuses: (string | number)[][];
  endedBy?: string;
};

/** Openings with these options can't be written so. */
const leftOut = [
  ...(["publicKeys", "report", "symbols", "askHolder", "onlyIfFree"] as const),
  ...(["marginMs", "requestTimeoutMs", "openWithinMs"] as const),
];

/**
 * The code under test, whose openings are written down: each with all that its network and its
 * program did, and all that came of it.
 *
 * Left out are those that can't be written so: of programs that report or pin keys, on devices whose
 * clocks drift or were set, that slept or were stuck, and those that did not come to their end.
 *
 * @returns `finished` gives those that did
 */
export function recordingSources(sources: Sources): {
  sources: Sources;
  finished(): RecordedOpening[];
} {
  const records: { opening: RecordedOpening; isWhole(): boolean }[] = [];
  return {
    sources: { ...sources, openSession },
    finished: () => records.filter(({ isWhole }) => isWhole()).map(({ opening }) => opening),
  };

  function openSession(options: SessionOptions, runtime: Runtime): Promise<Session> {
    const { signal, waitWithinMs } = options;
    if (leftOut.some((name) => options[name] !== undefined)) {
      return sources.openSession(options, runtime);
    }
    const beganMs = runtime.nowMs();
    const leadMs = runtime.wallMs() - beganMs;
    const random = runtime.random();
    let pending = 0;
    let isPlain = Number.isInteger(beganMs);
    let isOver = false;
    const opening: RecordedOpening = {
      guarantee: `opening ${records.length + 1}`,
      options: { ...(waitWithinMs !== undefined && { waitWithinMs }) },
      random,
      server: [],
      does: [],
      statuses: [],
    };
    records.push({ opening, isWhole: () => isPlain && isOver && pending === 0 });

    const atMs = () => {
      const nowMs = runtime.nowMs();
      isPlain &&= Number.isInteger(nowMs) && runtime.wallMs() - nowMs === leadMs;
      return nowMs - beganMs;
    };
    signal?.addEventListener("abort", () => {
      if (!isOver) opening.does.push([atMs(), "abort"]);
    });
    const recording: Runtime = {
      ...runtime,
      random: () => random,
      async pause(untilMs, pauseSignal, mode) {
        pending++;
        await runtime.pause(untilMs, pauseSignal, mode);
        pending--;
        // Else it was asleep, or stuck.
        isPlain &&= runtime.nowMs() <= Math.max(untilMs, beganMs) + 1;
        atMs();
      },
      async exchange(path, text, untilMs, dropped) {
        pending++;
        const sentMs = atMs();
        const entry: Record<string, unknown> = { at: sentMs, ask: routes[path] };
        opening.server.push(entry);
        const exchange = await runtime.exchange(path, text, untilMs, dropped);
        pending--;
        isPlain &&= runtime.nowMs() <= untilMs + 1 || dropped.aborted;
        Object.assign(entry, outcomeOf(exchange, atMs() - sentMs));
        return exchange;
      },
    };
    const watched: SessionOptions = {
      ...options,
      onStatus(status) {
        opening.statuses.push([atMs(), ...statusInShort(status)]);
        const isEnd = status.state === "ended";
        const last = opening.does.at(-1);
        if (isEnd && status.reason === "released" && last?.[1] !== "abort") {
          opening.does.push([atMs(), "release"]);
        }
        isOver ||= isEnd;
        if (isEnd && status.activeDevice !== undefined) opening.endedBy = status.activeDevice;
        return options.onStatus?.(status);
      },
    };
    return sources.openSession(watched, recording).then(
      (session) => {
        opening.opens = atMs();
        return session;
      },
      (error) => {
        isOver = true;
        const isGivenUp = signal?.aborted && error === signal.reason;
        opening.refused = {
          at: atMs(),
          ...(isGivenUp ? { error: "AbortError" } : errorInShort(error)),
        };
        throw error;
      },
    );
  }
}

function outcomeOf(exchange: Exchange, afterMs: number): Record<string, unknown> {
  if ("problem" in exchange) {
    const { problem } = exchange;
    if (problem === noAnswerInTime || problem === "cancelled") return { drop: true };
    return { fails: problem, after: afterMs };
  }
  const { status, text, headers } = exchange;
  const after = { after: afterMs };
  const body = parsed(text);
  return { ...after, answer: { status, headers, ...(body !== undefined ? { body } : { text }) } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
