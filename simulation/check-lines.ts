import { hash } from "node:crypto";
import type { LicenseHistory } from "./license-history.ts";
import type { Handled } from "./simulated-service.ts";
import type { StoredEntry, StoredLicense } from "./stored-license.ts";
import type { Fail } from "./world-context.ts";

type Line = Record<string, unknown>;
type Stood = Partial<Record<"symbol" | "device_hash" | "session_id" | "state", unknown>>;

/** What a request logged, compared with what the table held: operators read these lines. */
export function createLineChecks(history: LicenseHistory, fail: Fail) {
  /** By request. */
  const logged = new Map<unknown, Line[]>();

  return {
    logged(line: object): void {
      const { request_id: name, ...rest }: Line = { ...line };
      if (name !== undefined) logged.set(name, [...(logged.get(name) ?? []), rest]);
    },

    handled(handled: Handled): void {
      const { name, route, request, licenseId, reply, body } = handled;
      const lines = logged.get(name) ?? [];
      logged.delete(name);
      // Who asked is not known where a request can't be read.
      if (reply.status >= 500 || reply.status === 400) return;
      if (route === "check" && lines.length > 0) {
        fail("who only asks is no refusal", `${request.device_fingerprint}: ${body.code}`);
      }
      for (const line of lines) {
        if (line.device_hash === hashOf(licenseId, request.device_fingerprint)) continue;
        fail("the history tells devices apart", `${request.device_fingerprint}: ${body.code}`);
      }
      const claimed = lines.find(({ event }) => event === "session_claimed");
      if (route === "claim" && claimed) checkClaimed(handled, claimed);
    },
  };

  function checkClaimed(
    { licenseId, begunMs, receivedMs, isUnheard, request }: Handled,
    { session_id: id, replaced = [], displaced = [] }: Line,
  ): void {
    // What an earlier attempt of the SDK took is not known any more.
    if (isUnheard) return;
    const states = history.since(licenseId, begunMs);
    const made = states.findIndex((state) => takenBy(state, id).length > 0);
    const [before, after] = [states[made - 1], states[made]];
    if (!before || !after) return;
    const taken = takenBy(after, id);
    const gone = [...before.entries.keys()].filter((symbol) => !after.entries.has(symbol));
    for (const [symbols, told] of [
      [taken, replaced],
      [gone, displaced],
    ] as const) {
      const stood = symbols.flatMap((symbol) => {
        const entry = before.entries.get(symbol);
        return entry ? [stoodBefore(licenseId, symbol, entry, receivedMs)] : [];
      });
      // Earlier versions logged something else.
      if (Array.isArray(told) && textOf(stood) === textOf(told)) continue;
      const what = `${request.device_fingerprint} took ${textOf(stood)}`;
      fail("the history says what a claim took", what);
    }
  }
}

function takenBy(state: StoredLicense | undefined, sessionId: unknown): string[] {
  const entries = [...(state?.entries ?? [])];
  return entries
    .filter(([, entry]) => entry.isSession && entry.sessionId === sessionId)
    .map(([symbol]) => symbol);
}

function stoodBefore(licenseId: string, symbol: string, entry: StoredEntry, nowMs: number): Stood {
  const { device, sessionId, isSession, lapsesAtMs, freeAtMs, endedByOperator } = entry;
  const lapsed = nowMs < freeAtMs ? "contested" : "lapsed";
  const ofSession = nowMs < lapsesAtMs ? "live" : lapsed;
  const ofVacancy = endedByOperator ? "ended" : "released";
  return {
    symbol,
    device_hash: hashOf(licenseId, device),
    session_id: sessionId,
    state: isSession ? ofSession : ofVacancy,
  };
}

function textOf(stood: readonly Stood[]): string {
  return stood
    .map((each) => [each.symbol, each.device_hash, each.session_id, each.state].join(" "))
    .sort()
    .join(", ");
}

function hashOf(licenseId: string, device: unknown): string {
  return hash("sha256", `${licenseId}:${device}`, "hex").slice(0, 10);
}
