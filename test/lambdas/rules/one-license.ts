import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect } from "vitest";
import { type Claim, claim } from "../../../lambdas/rules/claim.ts";
import type { License } from "../../../lambdas/rules/license.ts";
import { leaseFrom, type Session } from "../../../lambdas/rules/session.ts";
import { openTable, type SessionTable } from "../../../lambdas/store/table.ts";
import { engineForTests } from "../../support/engine-for-tests.ts";
import { openInProcessDynalite } from "../../support/in-process-dynalite.ts";

export const nowMs = Date.UTC(2026, 0, 5, 12);
export const time = { nowMs, sessionTimeoutMs: 60_000 };
export const { signal } = new AbortController();
export const own = "own-device-0123456789";
const licenseId = "a".repeat(64);
export const caller = { licenseId, deviceFingerprint: own, sessionSymbol: "ES" };
export const ownClaim = { ...caller, claimId: "own-claim", kind: "claim" } as const;
export const holder = { ...caller, sessionId: undefined };
export const noReport = { bot_version: undefined, bot_status: undefined, metadata: undefined };

export function sessionOf(device_fingerprint: string, ageMs: number): Session {
  const at = nowMs - ageMs;
  return {
    device_fingerprint,
    session_id: "held",
    started_at: at,
    ...leaseFrom(at, time.sessionTimeoutMs),
  };
}

export function licenseWith(attributes: Partial<License>): License {
  return {
    license_id: licenseId,
    status: "active",
    license_type: "standard",
    max_sessions: 20,
    fencing_token: 7,
    sessions: {},
    ...attributes,
  };
}

/** What a claim of ES left that was granted. */
export function granted(contestedUntilMs?: number) {
  return {
    code: "granted",
    sessions: {
      ES: {
        device_fingerprint: own,
        session_id: "own-claim",
        started_at: nowMs,
        ...leaseFrom(nowMs, time.sessionTimeoutMs),
        ...(contestedUntilMs !== undefined && { contested_until: contestedUntilMs }),
      },
    },
  };
}

/**
 * A table that refuses the given number of writes with this item, and applies the next one. A real
 * engine does this only by chance.
 */
export function refusing(license: License, writes: number) {
  let count = 0;
  const table: SessionTable = {
    get: async () => license,
    async update() {
      if (++count > 500) throw new Error("It would never have ended");
      return count > writes ? { applied: true, license } : { applied: false, refusedBy: license };
    },
  };
  return { table, writes: () => count };
}

/** What somebody else does to the item just before one of the writes is sent. */
type Meanwhile = { beforeWrite: 1 | 2; expression: string; values: Record<string, unknown> };

/** A table with one license, for the tests of a file. */
export function openLicense() {
  const engine = engineForTests(openInProcessDynalite);
  const table = () => openTable(engine());

  async function put(sessions: License["sessions"], maxSessions: number): Promise<void> {
    const license = licenseWith({ sessions, max_sessions: maxSessions });
    await engine().client.send(new PutCommand({ TableName: engine().tableName, Item: license }));
  }

  /** The table, on which that happens. */
  function interrupted(meanwhile?: Meanwhile) {
    let writes = 0;
    let happened = false;
    const watched: SessionTable = {
      ...table(),
      async update(change, until) {
        if (++writes === meanwhile?.beforeWrite) {
          const values = Object.entries(meanwhile.values);
          await engine().client.send(
            new UpdateCommand({
              TableName: engine().tableName,
              Key: { license_id: licenseId },
              UpdateExpression: meanwhile.expression,
              ExpressionAttributeValues: Object.fromEntries(
                values.map(([name, value]) => [`:${name}`, value]),
              ),
            }),
          );
          happened = true;
        }
        return table().update(change, until);
      },
    };
    return { watched, writes: () => writes, happened: () => happened };
  }

  async function sessions() {
    return (await table().get(licenseId, signal))?.sessions;
  }

  async function claimOfEs(kind: Claim["kind"], meanwhile?: Meanwhile) {
    const { watched, happened } = interrupted(meanwhile);
    const { code } = await claim(watched, { ...ownClaim, kind }, time, signal);
    expect(happened()).toBe(meanwhile !== undefined);
    return { code, sessions: (await sessions()) ?? {} };
  }

  return { table, put, interrupted, sessions, claimOfEs };
}
