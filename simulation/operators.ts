import { licenseIdOf } from "../lambdas/license-key.ts";
import type { Session } from "../lambdas/rules/session.ts";
import type { LicenseItem } from "../ops/data/license-item.ts";
import type { MemoryTable } from "./memory-table.ts";
import { tableHandle } from "./operators-table.ts";
import type { SimulatedService } from "./simulated-service.ts";
import type { Sources } from "./sources.ts";
import { freeForOthersAtMs, storedLicense } from "./stored-license.ts";
import type { WorldContext } from "./world-context.ts";
import { trueMs } from "./world-context.ts";

/** The license that everybody in the world uses. An operator may give it a new key. */
export type LicenseInUse = { key: string; id: string };

/** Operators, who may change the license with the real commands, or deploy, each minute. */
export function createOperators(
  context: WorldContext,
  sources: Sources,
  table: MemoryTable,
  service: SimulatedService,
  license: LicenseInUse,
) {
  const { scheduler, choices } = context;
  const handle = tableHandle(table);
  let handsOffUntilMs = 0;
  let keys = 1;

  return {
    /**
     * Whether an operator has done something that the guarantee excludes (ended a session at once,
     * or restored an older table) and rights from before it may still be in force.
     */
    isHandsOff: () => scheduler.nowMs() < handsOffUntilMs,

    /** Something else happened that the guarantee excludes, until all current rights are over. */
    handsOff: () => handsOff(rightsEndMs()),

    liveMinute(minute: number) {
      const each = (
        kind: Parameters<WorldContext["happens"]>[0],
        act: (name: string) => unknown,
      ) => {
        const name = `${kind} ${minute}`;
        if (!context.happens(kind, `${minute}`)) return;
        const atMs = scheduler.nowMs() + choices.between(`${name} at`, 0, 59_000);
        scheduler.at(atMs, undefined, () => void act(name));
      };

      each("change the time-out", (name) => {
        const sessionTimeoutMs = choices.oneOf(name, [20_000, 30_000, 60_000, 120_000]);
        context.note("operator", () => `deploys a timeout of ${sessionTimeoutMs / 1000} s`);
        service.deploy({ sessionTimeoutMs });
      });
      each("change legacyBots", () => {
        const legacyBots = !service.deployment().legacyBots;
        context.note("operator", () => `deploys legacyBots ${legacyBots}`);
        service.deploy({ legacyBots });
      });
      if (sources.hasEarlierRules) {
        each("change the rules", () => {
          const rules = service.deployment().rules === "now" ? "earlier" : "now";
          const what = rules === "now" ? "the rules of now" : "the earlier rules again";
          context.note("operator", () => `deploys ${what}`);
          service.deploy({ rules });
        });
      }
      each("suspend", (name) => {
        set("status", { S: "suspended" });
        const forMs = context.untilCalm(choices.spread(`${name} for`, 1_000, 180_000));
        later(forMs, () => set("status", { S: "active" }));
      });
      each("expire", (name) => {
        const inMs = context.untilCalm(choices.spread(`${name} in`, 1, 60_000));
        set("license_expiration", { N: String(trueMs(context) + inMs) });
        const extendedMs = context.untilCalm(inMs + 40_000);
        later(extendedMs, () =>
          set("license_expiration", { N: String(trueMs(context) + 30 * 86_400_000) }),
        );
      });
      each("change seats", (name) =>
        set("max_sessions", { N: String(choices.oneOf(name, [1, 1, 2, 3, 20])) }),
      );
      each("end session", (name) => endSession(name, undefined));
      each("end session at once", async (name) => {
        const freedMs = rightsEndMs();
        if (await endSession(name, trueMs(context))) handsOff(freedMs);
      });
      each("rekey", async () => {
        const newKey = `KEY-${++keys}`;
        context.note("operator", () => "gives the license a new key");
        const outcome = await sources.rekeyLicense(
          handle,
          license.id,
          newKey,
          note(),
          async () => {},
        );
        if (outcome.code !== "rekeyed") return;
        license.key = newKey;
        license.id = licenseIdOf(newKey);
      });
      each("restore", async (name) => {
        const item = table.item(license.id);
        if (!item) return;
        const { status, fencingToken, maxSessions, expiresAtMs } = storedLicense(item);
        const afterMs = context.untilCalm(choices.spread(`${name} after`, 1_000, 120_000));
        const licenseId = license.id;
        context.note("operator", () => `keeps a backup, token ${fencingToken}`);
        later(afterMs, async () => {
          if (licenseId !== license.id) return;
          handsOff(rightsEndMs());
          const grantedSince = storedLicense(table.item(licenseId) ?? {}).fencingToken;
          table.remove(licenseId);
          await sources.writeRow(
            handle,
            {
              licenseId,
              status: status === "suspended" ? "suspended" : "active",
              licenseType: "standard",
              email: undefined,
              expiresAtMs,
              endsNow: false,
              maxSessions,
              createdAtMs: undefined,
              fencingToken,
              supersededBy: undefined,
            },
            undefined,
            { replace: false, note: note() },
          );
          if (status === "suspended") set("status", { S: "active" });
          context.note("operator", () => `restores the backup; ${grantedSince} was the last token`);
        });
      });
    },
  };

  function note() {
    return { by: "ada@desk", atMs: trueMs(context) };
  }

  /** Ends the session that the command would read, on the condition that it has not changed. */
  async function endSession(name: string, freedAtMs: number | undefined): Promise<boolean> {
    const seen = await sources.getLicense(handle, license.id);
    const held = Object.entries(seen?.sessions ?? {}).flatMap(([symbol, entry]) =>
      "session_id" in entry ? [[symbol, entry] as const] : [],
    );
    if (!seen || held.length === 0) return false;
    const [symbol, session] = choices.oneOf(`${name} whose`, held);
    return end(seen, symbol, session, freedAtMs);
  }

  async function end(
    seen: LicenseItem,
    symbol: string,
    session: Session,
    freedAtMs: number | undefined,
  ): Promise<boolean> {
    const change = { remove: [], ...sources.endSessionUpdate(symbol, session, freedAtMs) };
    const ended = (await sources.changeLicense(handle, seen, change, note())) !== undefined;
    const how = freedAtMs === undefined ? "" : " at once";
    context.note("operator", () => `ends the session of ${symbol}${how}: ${ended}`);
    return ended;
  }

  /** When every right granted so far is over, in the time of the world. */
  function rightsEndMs(): number {
    const item = table.item(license.id);
    const ends = item ? [...storedLicense(item).sessions.values()].map(freeForOthersAtMs) : [];
    return Math.max(0, ...ends) - context.epochMs;
  }

  function handsOff(untilMs: number): void {
    // What had been sent before may still be confirmed by what is on its way.
    handsOffUntilMs = Math.max(handsOffUntilMs, untilMs, scheduler.nowMs()) + 130_000;
  }

  function later(afterMs: number, act: () => unknown): void {
    scheduler.at(scheduler.nowMs() + afterMs, undefined, () => void act());
  }

  function set(name: string, value: { S: string } | { N: string }): void {
    context.note("operator", () => `sets ${name} to ${Object.values(value)[0]}`);
    table.perform("UpdateItem", {
      Key: { license_id: { S: license.id } },
      UpdateExpression: "SET #name = :value",
      ConditionExpression: "attribute_exists(license_id)",
      ExpressionAttributeNames: { "#name": name },
      ExpressionAttributeValues: { ":value": value },
    });
  }
}
