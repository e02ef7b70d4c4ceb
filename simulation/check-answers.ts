import type { LicenseHistory } from "./license-history.ts";
import type { Handled } from "./simulated-service.ts";
import type { StoredEntry, StoredLicense } from "./stored-license.ts";
import type { Fail, WorldContext } from "./world-context.ts";

/** What two clocks may be off, and the share of a device's clock: a right must end so much earlier. */
const clocksMs = 4_000;
const slowestClock = 59 / 60;

/**
 * The promises that an answer keeps or breaks, judged by what the table held while the request was
 * under way: an answer must be true of one of these states.
 */
export function createAnswerChecks(context: WorldContext, history: LicenseHistory, fail: Fail) {
  /** Until when a caller that names nothing was told that it holds a session, epoch milliseconds. */
  const toldNameless = new Map<string, number>();

  return {
    handled(handled: Handled): void {
      const { name, route, request, receivedMs, arrivedMs, begunMs, body, licenseId } = handled;
      const states = history.since(licenseId, begunMs);
      const symbols = symbolsOf(request);
      const { device_fingerprint: device, run_id: runId } = request;
      const about = `${route} of ${device} for ${symbols.join(", ")}: ${body.code}`;
      const untrue = (rule: string) => fail(rule, about);
      const some = (is: (entry: StoredEntry | undefined) => boolean, among = symbols) =>
        states.some((state) => among.some((symbol) => is(state?.entries.get(symbol))));
      const isSession = (entry: StoredEntry | undefined, sessionId: unknown) =>
        entry?.isSession === true && entry.device === device && entry.sessionId === sessionId;
      const refusal = "nobody is refused without a reason";

      const isOwn = ({ by }: { by: string | undefined }) => by === name;
      if (route === "check" && history.of(licenseId).some(isOwn)) untrue("a check writes nothing");
      /** Why the table shows that a request had to be refused. */
      const reasons: Record<string, () => boolean> = {
        session_conflict: () =>
          states.some((state) => {
            const blocked = Array.isArray(body.blocked)
              ? stored(body.blocked.map(({ symbol }) => String(symbol)))
              : symbols;
            return blocked.length > 0 && blocked.every((symbol) => isInTheWay(state, symbol));
          }),
        session_limit: () =>
          states.some((state) => state !== undefined && !hasSeats(state) && saysWhose(state)),
        claim_late: () => some(isOver),
        session_ended: () => some(isEnded) && (route === "heartbeat" || some(isOver)),
        session_taken: areLost,
        session_replaced: areLost,
        session_not_found: areLost,
        heartbeat_late: () => states.some(isLaterIn),
        license_unknown: () => states.includes(undefined),
        license_suspended: () => states.some((state) => state?.status === "suspended"),
        license_cancelled: () => states.some((state) => state?.status === "cancelled"),
        license_expired: () =>
          states.some((state) => (state?.expiresAtMs ?? Infinity) <= receivedMs),
      };
      switch (body.code) {
        case "granted":
          checkRight(symbols, body.session_id);
          if (request.only_if_free === true) checkOnlyIfFree();
          return;
        case "recorded":
          checkRight(symbols, request.session_id);
          if (request.session_id === undefined) rememberNameless();
          if (body.release_asked_by !== undefined && !some((entry) => entry?.asked !== undefined)) {
            untrue("a holder is asked once");
          }
          return;
        case "released": {
          const [first, last] = [states[0], states.at(-1)];
          const is = (entry: StoredEntry | undefined) => isSession(entry, request.session_id);
          const stillStands = symbols.some((symbol) => is(last?.entries.get(symbol)));
          if (request.session_id !== undefined && stillStands) untrue("every 200 was stored");
          if (last && symbols.some((symbol) => isFreedTooEarly(symbol, last.entries.get(symbol)))) {
            untrue("a session lasts as long as its holder was told");
          }
          if (namesNothing() && symbols.every((symbol) => first?.entries.get(symbol)?.isNamed)) {
            untrue("who names nothing touches no named session");
          }
          return;
        }
        case "left_to_lapse":
          // One session for all symbols is not ended by a release of some.
          if (!namesNothing() && context.isOfManySymbols)
            untrue("a release by name ends the session");
          return;
        case "not_held":
          if (
            request.session_id !== undefined &&
            states.every((state) =>
              symbols.some((symbol) => isSession(state?.entries.get(symbol), request.session_id)),
            )
          ) {
            untrue("a release by name ends the session");
          }
          return;
        case "available":
          if (!states.some(isAvailable)) untrue("a check says what a claim would meet");
          return;
        default: {
          const isSo = reasons[String(body.code)];
          if (isSo && !isSo()) untrue(refusal);
          if (body.code === "session_conflict" && request.ask_holder === true) checkAsked();
          checkHeld();
        }
      }

      /** What the holder is told must be stored, and the lease must outlast the right. */
      function checkRight(held: readonly string[], sessionId: unknown): void {
        const heldForMs = Number(body.held_for_seconds) * 1_000;
        const isStored = states.some((state) =>
          held.every((symbol) => {
            const entry = state?.entries.get(symbol);
            if (sessionId === undefined)
              return entry?.isSession && entry.device === device && !entry.isNamed;
            // The name that a request gives the session is stored, too.
            const isNamed = route === "heartbeat" ? entry?.isConfirmed : entry?.runId === runId;
            return isSession(entry, sessionId) && isNamed;
          }),
        );
        if (!isStored) untrue("every 200 was stored");
        const { fencing_token: token } = body;
        const isOfGrant = (entry: StoredEntry | undefined) =>
          entry?.token === undefined || entry.token === token;
        if (token !== undefined && !some(isOfGrant, held)) untrue("a grant keeps its token");
        // Earlier versions name no right.
        if (!isStored || Number.isNaN(heldForMs)) return;
        // Another device may be granted the symbol by an API whose clock is ahead of the true time.
        const sentBeforeMs = Math.max(receivedMs + clocksMs, arrivedMs + context.clocks.offMs);
        const latestMs = sentBeforeMs + heldForMs / slowestClock;
        const lasts = (entry: StoredEntry | undefined) =>
          entry !== undefined && entry.lapsesAtMs >= latestMs - 1;
        if (!some(lasts, held)) untrue("a session lasts as long as its holder was told");
      }

      function rememberNameless(): void {
        for (const symbol of symbols) {
          for (const state of states) {
            const entry = state?.entries.get(symbol);
            if (!entry?.isSession || entry.device !== device || entry.isNamed) continue;
            const untilMs = receivedMs + Number(body.held_for_seconds) * 1_000;
            toldNameless.set(`${licenseId} ${symbol} ${entry.sessionId}`, untilMs);
          }
        }
      }

      /** Another process of the device names nothing, and may use what this one has released. */
      function isFreedTooEarly(symbol: string, entry: StoredEntry | undefined): boolean {
        const untilMs = toldNameless.get(`${licenseId} ${symbol} ${request.session_id}`) ?? 0;
        return !entry?.endedByOperator && (entry?.freeAtMs ?? receivedMs) < untilMs;
      }

      /** Of several symbols some are lost: what is said to be held must be. */
      function checkHeld(): void {
        if (!Array.isArray(body.symbols_held)) return;
        checkRight(stored(body.symbols_held.map(String)), request.session_id);
      }

      function areLost(): boolean {
        const lost = Array.isArray(body.symbols_lost)
          ? body.symbols_lost
          : [{ symbol: symbols[0], code: body.code }];
        return lost.every(({ symbol, code }) =>
          some((entry) => isLost(entry, code), stored([String(symbol)])),
        );
      }

      function isEnded(entry: StoredEntry | undefined): boolean {
        return entry?.isSession === false && entry.endedByOperator && entry.device === device;
      }

      function isLost(entry: StoredEntry | undefined, code: unknown): boolean {
        switch (code) {
          case "session_taken":
            // To a legacy bot, also what is only kept for another device is taken.
            return (
              entry !== undefined && entry.device !== device && (entry.isSession || namesNothing())
            );
          case "session_replaced":
            if (namesNothing()) return entry?.isSession === true && entry.isNamed;
            return entry?.isSession === true && !isSession(entry, request.session_id);
          case "session_ended":
            return entry?.endedByOperator === true;
          default:
            // Named without its symbols, or the wrong ones.
            return !entry?.isSession || entry.sessionId === request.session_id;
        }
      }

      /** The session may have other symbols than those that the request names. */
      function isLaterIn(state: StoredLicense | undefined): boolean {
        return [...(state?.entries ?? [])].some(
          ([symbol, entry]) =>
            (entry.lastHeartbeatMs ?? 0) > receivedMs &&
            (symbols.includes(symbol) || isSession(entry, request.session_id)),
        );
      }

      function isInTheWay(state: StoredLicense | undefined, symbol: string): boolean {
        const entry = state?.entries.get(symbol);
        if (!entry || entry.freeAtMs <= receivedMs) return false;
        if (entry.device !== device || request.only_if_free === true) return true;
        const isLive = entry.isSession && entry.lapsesAtMs > receivedMs;
        return runId === undefined && isLive && entry.isNamed;
      }

      /** Whether the entry says that the opening is over. */
      function isOver(entry: StoredEntry | undefined): boolean {
        const { claim_number: claimNumber } = request;
        if (!entry || entry.device !== device) return false;
        if (entry.endedByOperator && runId === undefined) return true;
        const number = Number(claimNumber);
        return (
          (entry.runId === runId && (entry.claimNumber ?? 0) >= number) ||
          (entry.replacedRun === runId && (entry.replacedNumber ?? 0) >= number)
        );
      }

      function hasSeats({ entries, maxSessions }: StoredLicense): boolean {
        const own = symbols.map((symbol) => entries.get(symbol));
        const areOwnAndLive = own.every(
          (entry) => entry?.isSession && entry.device === device && entry.lapsesAtMs > receivedMs,
        );
        const others = [...entries].filter(
          ([symbol, entry]) => !symbols.includes(symbol) && entry.freeAtMs > receivedMs,
        );
        return areOwnAndLive || others.length + symbols.length <= maxSessions;
      }

      /** A few symbols are named, and which of them are the caller's own. */
      function saysWhose({ entries }: StoredLicense): boolean {
        const inUse = [...entries].filter(
          ([symbol, { freeAtMs }]) => !symbols.includes(symbol) && freeAtMs > receivedMs,
        );
        const text = String(body.message);
        const own = inUse.filter(([, entry]) => entry.device === device);
        const isNamed = ([symbol]: [string, unknown]) =>
          text.includes(symbol === "*" ? "a session without symbol" : symbol);
        return (
          inUse.length > 5 ||
          (inUse.every(isNamed) && text.split(" (this device)").length - 1 === own.length)
        );
      }

      function isAvailable(state: StoredLicense | undefined): boolean {
        if (state?.status !== "active" || (state.expiresAtMs ?? Infinity) <= receivedMs)
          return false;
        return !symbols.some((symbol) => isInTheWay(state, symbol)) && hasSeats(state);
      }

      /** `only_if_free` takes nothing of its own device. Another attempt may, whose grant it repeats. */
      function checkOnlyIfFree(): void {
        const written = history.of(licenseId);
        const taken = written.some(({ by, license }, index) => {
          if (by !== name) return false;
          const before = written[index - 1]?.license;
          return symbols.some((symbol) => {
            const entry = before?.entries.get(symbol);
            const made = license?.entries.get(symbol);
            return (
              entry !== undefined &&
              entry.freeAtMs > (made?.lastHeartbeatMs ?? 0) &&
              !isSession(entry, body.session_id) &&
              isSession(made, body.session_id)
            );
          });
        });
        if (taken) untrue("only what is free is taken, if the claim says so");
      }

      function checkAsked(): void {
        const says = [body, ...(Array.isArray(body.blocked) ? body.blocked : [])];
        const lasts = (untilMs: number | undefined) =>
          untilMs !== undefined && untilMs > receivedMs;
        const facts: Record<string, (entry: StoredEntry) => boolean> = {
          holder_asked: ({ asked }) => lasts(asked?.untilMs),
          holder_told: ({ asked, lastHeartbeatMs = 0 }) =>
            asked !== undefined && lastHeartbeatMs > 0,
          holder_keeps: ({ keptUntilMs }) => lasts(keptUntilMs),
        };
        for (const [name, is] of Object.entries(facts)) {
          const isSo = some((entry) => entry !== undefined && is(entry));
          if (!isSo && says.some((each) => each[name] === true))
            untrue("an asker learns what the holder was told");
        }
      }

      function namesNothing(): boolean {
        return request.session_id === undefined && request.run_id === undefined;
      }
    },
  };

  function symbolsOf({ symbol, symbols }: Record<string, unknown>): readonly string[] {
    if (Array.isArray(symbols)) return stored(symbols.map(String));
    return stored([symbol === undefined ? "*" : String(symbol)]);
  }

  function stored(symbols: readonly string[]): readonly string[] {
    return context.isOfManySymbols ? symbols : ["*"];
  }
}
