import { licenseIdOf } from "../lambdas/rules/license-id.ts";
import type { DisturbanceKind } from "./disturbances.ts";
import type { MemoryTable } from "./memory-table.ts";
import { tableHandle } from "./operators-table.ts";
import { type Actor, createActor } from "./scheduler.ts";
import { type SimulatedService, seconds } from "./simulated-service.ts";
import type { Sources } from "./sources.ts";
import { storedLicense } from "./stored-license.ts";
import { type Fail, trueMs, type WorldContext } from "./world-context.ts";

/** The license that everybody in the world uses. An operator may give it a new key. */
export type LicenseInUse = { key: string; id: string };

/**
 * Operators, who may change the license with the real commands, or deploy, each minute. The clock of
 * their machine may be wrong; the commands take the time from the table's answers.
 */
export function createOperators(
  context: WorldContext,
  sources: Sources,
  table: MemoryTable,
  service: SimulatedService,
  license: LicenseInUse,
  fail: Fail,
) {
  const { scheduler, choices } = context;
  const handle = tableHandle(table);
  const actor = createActor("operator");
  const clockOffsetMs = drawClockOffset();
  let handsOffUntilMs = 0;
  let madeAnewMs = Number.NEGATIVE_INFINITY;
  let keys = 1;

  return {
    actor,
    /** What `Date.now()` reads on the operator's machine. */
    wallMs: () => trueMs(context) + clockOffsetMs,

    /**
     * Whether an operator has done something that the guarantee excludes (ended a session at once,
     * deleted the license, or restored an older table) and rights from before are still in force.
     */
    isHandsOff: () => scheduler.nowMs() <= handsOffUntilMs,

    liveMinute(minute: number) {
      const each = (kind: DisturbanceKind, act: (name: string) => unknown) => {
        const name = `${kind} ${minute}`;
        if (!context.happens(kind, `${minute}`)) return;
        const atMs = scheduler.nowMs() + choices.between(`${name} at`, 0, 59_000);
        scheduler.at(atMs, actor, () => void act(name));
      };

      each("change the time-out", (name) => {
        const sessionTimeoutMs = choices.oneOf(name, [30_000, 45_000, 60_000, 120_000, 300_000]);
        const stack = choices.oneOf(`${name} of`, ["first", "second"] as const);
        context.note("operator", () => `deploys a timeout of ${sessionTimeoutMs / 1000} s`);
        service.deploy({ sessionTimeoutMs }, stack);
      });
      each("change legacyBots", (name) => {
        const stack = choices.oneOf(`${name} of`, ["first", "second"] as const);
        const legacyBots = !service.deployment(stack).legacyBots;
        context.note("operator", () => `deploys legacyBots ${legacyBots}`);
        service.deploy({ legacyBots }, stack);
      });
      if (sources.earlier) {
        each("change the rules", () => {
          const rules = service.deployment("first").rules === "now" ? "earlier" : "now";
          const what = rules === "now" ? "the rules of now" : "the earlier rules again";
          context.note("operator", () => `deploys ${what}`);
          service.deploy({ rules }, "first");
        });
      }
      each("suspend", async (name) => {
        await change({ status: "suspended" });
        laterOn(`${name} for`, 1_000, 180_000, () => insist({ status: "active" }));
      });
      each("expire", async (name) => {
        const inMs = context.untilCalm(choices.spread(`${name} in`, 1, 60_000));
        await change({ license_expiration: trueMs(context) + inMs });
        const extendedMs = context.untilCalm(inMs + 40_000);
        later(extendedMs, () => insist({ license_expiration: trueMs(context) + 30 * 86_400_000 }));
      });
      each("change seats", (name) =>
        change({ max_sessions: choices.oneOf(name, [1, 1, 2, 3, 5, 20, 100]) }),
      );
      each("change the license's time-out", (name) =>
        change({ session_timeout_seconds: choices.oneOf(name, [undefined, 30, 90, 600]) }),
      );
      each("end session", (name) => endSessions(name, false));
      each("end session at once", async (name) => {
        const freedMs = rightsEndMs();
        if (await endSessions(name, true)) handsOff(freedMs);
      });
      each("rekey", () => rekey(false));
      each("rekey interrupted", (name) =>
        rekey(true).then(() => laterOn(`${name} again`, 1_000, 90_000, () => rekey(false))),
      );
      each("restore", (name) => {
        const row = rowOfNow();
        if (!row) return;
        context.note("operator", () => `keeps a backup, token ${row.fencingToken}`);
        laterOn(`${name} after`, 1_000, 120_000, async () => {
          if (row.licenseId !== license.id || isMadeAnew()) return;
          handsOff(rightsEndMs());
          table.remove(row.licenseId);
          await sources.writeRow(handle, row, undefined, { replace: false, note: note() });
          context.note("operator", () => "restores the backup");
          await insist({ status: "active" });
        });
      });
      each("import again", (name) => {
        const row = rowOfNow();
        if (!row) return;
        laterOn(`${name} after`, 1_000, 120_000, async () => {
          const seen = await sources.getItem(handle, row.licenseId);
          if (!seen) return;
          const mode = { replace: true, note: note() };
          const written = await sources.writeRow(handle, row, seen, mode);
          context.note("operator", () => `imports an older export again: ${written}`);
          await insist({ status: "active" });
        });
      });
      each("delete and create", async (name) => {
        const seen = await sources.getLicense(handle, license.id);
        if (!seen) return;
        const freedMs = rightsEndMs();
        if (!(await sources.deleteLicense(handle, seen))) return;
        handsOff(freedMs);
        context.note("operator", () => "deletes the license");
        const { id, key } = license;
        laterOn(`${name} after`, 5_000, 60_000, async () => {
          if (id !== license.id || isMadeAnew()) return;
          const { max_sessions: maxSessions } = seen;
          const wanted = { licenseKey: key, maxSessions, note: note() };
          const { created } = await sources.createLicense(handle, wanted, note().atMs);
          context.note("operator", () => `creates it again: ${created}`);
        });
      });
    },
  };

  /** A restore, or a deletion and what follows it, takes its time: no second one ends beside it. */
  function isMadeAnew(): boolean {
    const isSoon = scheduler.nowMs() < madeAnewMs + 2_000;
    if (!isSoon) madeAnewMs = scheduler.nowMs();
    return isSoon;
  }

  function drawClockOffset(): number {
    if (!context.happens("operator's clock wrong", "all day")) return 0;
    const size = choices.spread("operator's clock wrong by", 1_000, 7_200_000);
    const offsetMs = choices.number("operator's clock direction") < 0.5 ? -size : size;
    context.note("operator", () => `has a clock that is ${seconds(offsetMs)} off`);
    return offsetMs;
  }

  /** The table's time, as its answers have it: to the second. */
  function note() {
    return { by: "ada@desk", atMs: Math.floor(trueMs(context) / 1_000) * 1_000 };
  }

  /** What an export writes of the license. */
  function rowOfNow() {
    const item = table.item(license.id);
    if (!item) return undefined;
    const { status, fencingToken, maxSessions, expiresAtMs } = storedLicense(item);
    return {
      licenseId: license.id,
      status: status === "suspended" ? ("suspended" as const) : ("active" as const),
      licenseType: "standard",
      email: undefined,
      expiresAtMs,
      endsNow: false,
      maxSessions,
      createdAtMs: undefined,
      fencingToken,
      supersededBy: undefined,
    };
  }

  /** Ends the sessions that the command would read: one, the whole of several, or all. */
  async function endSessions(name: string, now: boolean): Promise<boolean> {
    const seen = await sources.getLicense(handle, license.id);
    const held = Object.keys(seen?.sessions ?? {});
    if (!seen || held.length === 0) return false;
    const all = choices.number(`${name} all`) < 0.25;
    const wholeSession = choices.number(`${name} whole`) < 0.5;
    let hasEnded = false;
    for (const symbol of all ? held : [choices.oneOf(`${name} whose`, held)]) {
      const options = { now, wholeSession };
      const { code } = await sources.endSeenSession(handle, seen, symbol, options, note());
      const how = now ? " at once" : "";
      context.note("operator", () => `ends the session of ${symbol}${how}: ${code}`);
      if (code === "ended") checkEnded(symbol, now);
      hasEnded ||= code === "ended";
    }
    return hasEnded;
  }

  /** No clock of the operator's machine may be in what the command wrote. */
  function checkEnded(symbol: string, now: boolean): void {
    const entry = storedLicense(table.item(license.id) ?? {}).entries.get(symbol);
    if (now && entry && entry.freeAtMs > trueMs(context)) {
      fail("what an operator ends at once is free", `${symbol}, until ${entry.freeAtMs}`);
    }
  }

  /** @param isInterrupted the command dies once the old key is over: the next run goes on */
  async function rekey(isInterrupted: boolean): Promise<void> {
    const oldId = license.id;
    const newKey = `KEY-${++keys}`;
    context.note("operator", () => "gives the license a new key");
    const announce = async () => {
      if (isInterrupted) throw new Error("interrupted");
    };
    const outcome = await sources
      .rekeyLicense(handle, oldId, newKey, note(), announce)
      .catch((error: Error) => ({ code: error.message }));
    context.note("operator", () => `gives it: ${outcome.code}`);
    if (outcome.code !== "rekeyed") return;
    license.key = newKey;
    license.id = licenseIdOf(newKey);
  }

  /** When every right granted so far is over, in the time of the world. */
  function rightsEndMs(): number {
    const item = table.item(license.id);
    const ends = item
      ? [...storedLicense(item).entries.values()].map(({ freeAtMs }) => freeAtMs)
      : [];
    return Math.max(0, ...ends) - context.epochMs;
  }

  function handsOff(untilMs: number): void {
    handsOffUntilMs = Math.max(handsOffUntilMs, untilMs, scheduler.nowMs());
  }

  function laterOn(name: string, minMs: number, maxMs: number, act: () => unknown): void {
    later(context.untilCalm(choices.spread(name, minMs, maxMs)), act);
  }

  function later(afterMs: number, act: () => unknown): void {
    scheduler.after(afterMs, actor, () => void act());
  }

  type Wanted = Parameters<Sources["attributeChange"]>[1] & {
    session_timeout_seconds?: number | undefined;
  };

  /** As the command does that sets an attribute. */
  async function change(wanted: Wanted): Promise<boolean> {
    const seen = await sources.getLicense(handle, license.id);
    if (!seen) return false;
    const changes = sources.attributeChange(seen, wanted);
    const after = await sources.changeLicense(handle, seen, changes, note());
    const what = Object.entries(wanted).map(([name, value]) => `${name} to ${value}`);
    context.note("operator", () => `sets ${what}${after ? "" : ", in vain"}`);
    return after !== undefined;
  }

  /** Nothing may outlast the storm because a command met somebody else's change. */
  async function insist(wanted: Wanted): Promise<void> {
    const seen = await sources.getLicense(handle, license.id);
    if (seen?.superseded_by !== undefined) return;
    if (!(await change(wanted)) && seen) await change(wanted);
  }
}

/** Whose clock a moment of the world has: the operator's, while a command runs. */
export function isOperator(current: Actor | undefined, operators: { actor: Actor }): boolean {
  return current === operators.actor;
}
