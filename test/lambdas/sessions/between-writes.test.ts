import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Claim, claim } from "../../../lambdas/sessions/claim.ts";
import { heartbeat } from "../../../lambdas/sessions/heartbeat.ts";
import { legacyHeartbeat } from "../../../lambdas/sessions/legacy-heartbeat.ts";
import type { License } from "../../../lambdas/sessions/license.ts";
import { release } from "../../../lambdas/sessions/release.ts";
import { leaseFrom, type Session } from "../../../lambdas/sessions/session.ts";
import { openTable, type SessionTable } from "../../../lambdas/sessions/table.ts";
import { muteLogsAndTimeouts } from "../../proof/proof-engine.ts";
import { openInProcessDynalite } from "../../support/in-process-dynalite.ts";

const nowMs = Date.UTC(2026, 0, 5, 12);
const time = { nowMs, sessionTimeoutMs: 60_000 };
const { signal } = new AbortController();
const licenseId = "a".repeat(64);
const own = "own-device-0123456789";

let engine: Awaited<ReturnType<typeof openInProcessDynalite>>;
let table: SessionTable;
beforeAll(async () => {
  engine = await openInProcessDynalite();
  table = openTable(engine);
  // On a busy machine the write that drops entries would be given up.
  muteLogsAndTimeouts();
});
afterAll(async () => {
  vi.useRealTimers();
  await engine.stop();
});

function sessionOf(device_fingerprint: string, ageMs: number): Session {
  const at = nowMs - ageMs;
  return {
    device_fingerprint,
    session_id: "held",
    started_at: at,
    ...leaseFrom(at, time.sessionTimeoutMs),
  };
}

async function put(sessions: License["sessions"], maxSessions: number): Promise<void> {
  const license: License = {
    license_id: licenseId,
    status: "active",
    license_type: "standard",
    max_sessions: maxSessions,
    fencing_token: 7,
    sessions,
  };
  await engine.client.send(new PutCommand({ TableName: engine.tableName, Item: license }));
}

/** What somebody else does to the item just before a claim sends one of its writes. */
type Meanwhile = { beforeWrite: 1 | 2; expression: string; values: Record<string, unknown> };

/** The table, on which that happens. */
function interrupted(meanwhile?: Meanwhile) {
  let writes = 0;
  let happened = false;
  const watched: SessionTable = {
    ...table,
    async update(change, until) {
      if (++writes === meanwhile?.beforeWrite) {
        const values = Object.entries(meanwhile.values);
        await engine.client.send(
          new UpdateCommand({
            TableName: engine.tableName,
            Key: { license_id: licenseId },
            UpdateExpression: meanwhile.expression,
            ExpressionAttributeValues: Object.fromEntries(
              values.map(([name, value]) => [`:${name}`, value]),
            ),
          }),
        );
        happened = true;
      }
      return table.update(change, until);
    },
  };
  return { watched, writes: () => writes, happened: () => happened };
}

async function claimOfEs(kind: Claim["kind"], meanwhile?: Meanwhile) {
  const { watched, happened } = interrupted(meanwhile);
  const caller = { licenseId, deviceFingerprint: own, sessionSymbol: "ES", claimId: "own-claim" };
  const { code } = await claim(watched, { ...caller, kind }, time, signal);
  expect(happened()).toBe(meanwhile !== undefined);
  const license = await table.get(licenseId, signal);
  return { code, sessions: license?.sessions ?? {} };
}

/** What a claim left that was granted. */
function granted(contestedUntilMs?: number) {
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

describe("a claim that is about to displace a lapsed session", () => {
  // Both seats are taken; the one of LAPSED may be had.
  beforeEach(() =>
    put({ LAPSED: sessionOf("another-device", 60_000), LIVE: sessionOf("a-third-device", 0) }, 2),
  );

  async function claimWhile(expression: string, values: Record<string, unknown>) {
    const { code, sessions } = await claimOfEs("claim", { beforeWrite: 2, expression, values });
    return { code, symbols: Object.keys(sessions).sort() };
  }

  test("displaces none when its symbol has got a seat meanwhile", async () => {
    const made = { made: sessionOf(own, 0) };
    expect(await claimWhile("SET sessions.ES = :made REMOVE sessions.LIVE", made)).toEqual({
      code: "granted",
      symbols: ["ES", "LAPSED"],
    });
  });

  test("is refused when the license has got fewer seats meanwhile", async () => {
    expect(await claimWhile("SET max_sessions = :seats", { seats: 1 })).toEqual({
      code: "session_limit",
      symbols: ["LAPSED", "LIVE"],
    });
  });

  test("is refused when the license has got more sessions meanwhile", async () => {
    const made = { made: sessionOf("a-fourth-device", 0) };
    expect(await claimWhile("SET sessions.MORE = :made", made)).toEqual({
      code: "session_limit",
      symbols: ["LAPSED", "LIVE", "MORE"],
    });
  });

  test("is refused when the session has been revived meanwhile", async () => {
    expect(await claimWhile("SET sessions.LAPSED.lapses_at = :end", { end: nowMs + 1 })).toEqual({
      code: "session_limit",
      symbols: ["LAPSED", "LIVE"],
    });
  });

  test("displaces the one that lapsed first, wherever it stands in the item", async () => {
    const first = sessionOf("a-fourth-device", 90_000);
    await put({ A: sessionOf("another-device", 60_000), Z: first }, 2);
    const { code, sessions } = await claimOfEs("claim");
    expect([code, ...Object.keys(sessions).sort()]).toEqual(["granted", "A", "ES"]);
  });

  test("takes the free seat when the session has been released meanwhile", async () => {
    expect(
      await claimWhile("SET fencing_token = :token REMOVE sessions.LAPSED", { token: 7 }),
    ).toEqual({
      code: "granted",
      symbols: ["ES", "LIVE"],
    });
  });
});

describe("a claim that is about to replace a session of its own device", () => {
  const secondWrite = { beforeWrite: 2 } as const;

  test("is contested until the end of the lease that a heartbeat has renewed meanwhile", async () => {
    await put({ ES: sessionOf(own, 20_000) }, 20);
    const renewed = {
      ...secondWrite,
      expression: "SET sessions.ES.lapses_at = :end",
      values: { end: nowMs + 75_000 },
    };
    expect(await claimOfEs("claim", renewed)).toEqual(granted(nowMs + 75_000));
  });

  test("is contested by the claim of a third copy that came between", async () => {
    await put({ ES: sessionOf(own, 20_000) }, 20);
    const third = {
      ...secondWrite,
      expression: "SET sessions.ES.session_id = :id, sessions.ES.contested_until = :end",
      values: { id: "third", end: nowMs + 90_000 },
    };
    expect(await claimOfEs("claim", third)).toEqual(granted(nowMs + 90_000));
  });

  test("is contested as long as an entry without holder, however much longer it has got", async () => {
    await put({ ES: { vacated_by: own, lapses_at: nowMs + 1 } }, 20);
    const longer = {
      ...secondWrite,
      expression: "SET sessions.ES.lapses_at = :end",
      values: { end: nowMs + 30_000 },
    };
    expect(await claimOfEs("claim", longer)).toEqual(granted(nowMs + 30_000));
  });

  test("is refused when another device has got the symbol meanwhile", async () => {
    await put({ ES: { vacated_by: own, lapses_at: nowMs + 1 } }, 20);
    const rival = { ES: sessionOf("another-device", 0) };
    const taken = {
      ...secondWrite,
      expression: "SET sessions.ES = :rival",
      values: { rival: rival.ES },
    };
    expect(await claimOfEs("claim", taken)).toEqual({ code: "session_conflict", sessions: rival });
  });

  test("needs no seat that was taken away meanwhile", async () => {
    await put({ ES: sessionOf(own, 20_000), NQ: sessionOf(own, 0) }, 2);
    const fewer = {
      ...secondWrite,
      expression: "SET max_sessions = :seats",
      values: { seats: 1 },
    };
    expect((await claimOfEs("claim", fewer)).code).toBe("granted");
  });
});

describe("a claim over a session of its symbol that has lapsed, on seats that were taken away", () => {
  const lapsed = sessionOf("another-device", 90_000);

  test("of its own device is marked as shared for a bot of the field, and for no other", async () => {
    await put({ ES: sessionOf(own, 60_000), NQ: lapsed }, 1);
    expect(await claimOfEs("claim")).toEqual(granted());
    await put({ ES: sessionOf(own, 60_000), NQ: lapsed }, 1);
    expect(await claimOfEs("legacy claim")).toEqual(granted(nowMs));
  });

  test("of another device is marked for nobody", async () => {
    await put({ ES: sessionOf("another-device", 60_000), NQ: lapsed }, 1);
    expect(await claimOfEs("legacy claim")).toEqual(granted());
  });

  test("needs a seat at the instant it has lapsed", async () => {
    const sessions = { ES: sessionOf(own, 60_000), NQ: sessionOf("another-device", 0) };
    await put(sessions, 2);
    const fewer = {
      beforeWrite: 2,
      expression: "SET max_sessions = :seats",
      values: { seats: 1 },
    } as const;
    expect(await claimOfEs("legacy claim", fewer)).toEqual({ code: "session_limit", sessions });
  });
});

describe("a claim that is about to drop what lapsed more than 7 days ago", () => {
  const old = sessionOf("another-device", 8 * 86_400_000);

  test("drops nothing that was revived meanwhile", async () => {
    await put({ AGED: old, OLDEST: old }, 20);
    const revived = {
      beforeWrite: 2,
      expression: "SET sessions.AGED.lapses_at = :end",
      values: { end: nowMs + 60_000 },
    } as const;
    const { code, sessions } = await claimOfEs("claim", revived);
    expect({ code, symbols: Object.keys(sessions).sort() }).toEqual({
      code: "granted",
      symbols: ["AGED", "ES", "OLDEST"],
    });
  });

  test("is a heartbeat of a bot of the field: it drops nothing", async () => {
    await put({ AGED: old }, 20);
    const { code, sessions } = await claimOfEs("heartbeat");
    expect([code, ...Object.keys(sessions).sort()]).toEqual(["granted", "AGED", "ES"]);
  });

  test.each(["half a second", "the request"])("gives that write up after %s", async (end) => {
    await put({ AGED: old }, 20);
    const ends = { "half a second": new AbortController(), "the request": new AbortController() };
    vi.mocked(AbortSignal.timeout).mockReturnValueOnce(ends["half a second"].signal);
    let writes = 0;
    const hanging: SessionTable = {
      ...table,
      update(change, until) {
        if (++writes === 1) return table.update(change, until);
        ends[end as keyof typeof ends].abort();
        if (!until.aborted) throw new TypeError("The write would go on");
        return Promise.reject(until.reason);
      },
    };
    const caller = { licenseId, deviceFingerprint: own, sessionSymbol: "ES", claimId: "own-claim" };
    const outcome = claim(hanging, { ...caller, kind: "claim" }, time, ends["the request"].signal);
    expect((await outcome).code).toBe("granted");
  });

  test("is granted although that write fails", async () => {
    await put({ AGED: old }, 20);
    let writes = 0;
    const failing: SessionTable = {
      ...table,
      update: (change, until) =>
        ++writes === 2 ? Promise.reject(new Error("throttled")) : table.update(change, until),
    };
    const caller = { licenseId, deviceFingerprint: own, sessionSymbol: "ES", claimId: "own-claim" };
    const outcome = await claim(failing, { ...caller, kind: "claim" }, time, signal);
    expect(outcome).toMatchObject({ code: "granted", license: { fencing_token: 8 } });
    expect(writes).toBe(2);
  });
});

describe("a release that is about to leave an entry without holder", () => {
  test("leaves one of the claim that came between, for as long as that is contested", async () => {
    await put({ ES: { ...sessionOf(own, 0), contested_until: nowMs + 10_000 } }, 20);
    const { watched, happened } = interrupted({
      beforeWrite: 2,
      expression: "SET sessions.ES.session_id = :id, sessions.ES.contested_until = :end",
      values: { id: "third", end: nowMs + 40_000 },
    });
    const holder = {
      licenseId,
      deviceFingerprint: own,
      sessionSymbol: "ES",
      sessionId: undefined,
    };
    const outcome = await release(watched, holder, nowMs, undefined, signal);
    expect(happened()).toBe(true);
    expect(outcome).toEqual({
      code: "released",
      waitSeconds: 40,
    });
    expect((await table.get(licenseId, signal))?.sessions).toEqual({
      ES: { vacated_by: own, vacated_session_id: "third", lapses_at: nowMs + 40_000 },
    });
  });
});

describe("a release that finds another claim of its device, before it leaves an entry without holder", () => {
  test.each([undefined, nowMs])("frees the key if that is contested until %s", async (end) => {
    await put({ ES: { ...sessionOf(own, 0), contested_until: nowMs + 10_000 } }, 20);
    const third = { ...sessionOf(own, 0), session_id: "third" };
    const { watched, happened } = interrupted({
      beforeWrite: 2,
      expression: "SET sessions.ES = :third",
      values: { third: end === undefined ? third : { ...third, contested_until: end } },
    });
    const holder = {
      licenseId,
      deviceFingerprint: own,
      sessionSymbol: "ES",
      sessionId: undefined,
    };
    const outcome = await release(watched, holder, nowMs, undefined, signal);
    expect(happened()).toBe(true);
    expect(outcome).toEqual({
      code: "released",
      waitSeconds: 0,
    });
    expect((await table.get(licenseId, signal))?.sessions).toEqual({});
  });
});

describe("a heartbeat that keeps a lease that is longer than its own", () => {
  test.each([30_000, 60_000])("renews one that has %i ms left meanwhile", async (leftMs) => {
    const session = sessionOf(own, 20_000);
    await put({ ES: { ...session, lapses_at: nowMs + 90_000 } }, 20);
    const { watched, writes, happened } = interrupted({
      beforeWrite: 2,
      expression: "SET sessions.ES.lapses_at = :end",
      values: { end: nowMs + leftMs },
    });
    const holder = {
      licenseId,
      deviceFingerprint: own,
      sessionSymbol: "ES",
      sessionId: "held",
    };
    const report = { bot_version: undefined, bot_status: undefined, metadata: undefined };
    const outcome = await heartbeat(watched, holder, report, time, signal);
    expect(outcome.code).toBe("recorded");
    expect(happened()).toBe(true);
    expect(writes()).toBe(3);
    expect((await table.get(licenseId, signal))?.sessions).toEqual({
      ES: { ...session, ...leaseFrom(nowMs, time.sessionTimeoutMs) },
    });
  });
});

describe("an attempt that finds the session of its own claim", () => {
  const ofOwnClaim = (ageMs: number) => ({ ...sessionOf(own, ageMs), session_id: "own-claim" });

  test("lapsed, and contested for longer, gets a lease of its own", async () => {
    await put({ ES: { ...ofOwnClaim(60_000), contested_until: nowMs + 10_000 } }, 20);
    expect(await claimOfEs("claim")).toEqual(granted(nowMs + 10_000));
  });

  test.each([
    ["of this instant, has made it: only its answer was lost", 0, true],
    ["of an earlier instant, has made nothing", 1, false],
  ] as const)("%s", async (_, ageMs, written) => {
    await put({ ES: ofOwnClaim(ageMs) }, 20);
    const caller = { licenseId, deviceFingerprint: own, sessionSymbol: "ES", claimId: "own-claim" };
    const outcome = await claim(table, { ...caller, kind: "claim" }, time, signal);
    expect(outcome).toMatchObject({ code: "granted", written, displaced: [] });
  });

  test("lapsed, on seats that were taken away, is refused as anybody is", async () => {
    const sessions = { ES: ofOwnClaim(60_000), NQ: sessionOf(own, 0) };
    await put(sessions, 1);
    expect(await claimOfEs("claim")).toEqual({ code: "session_limit", sessions });
  });

  test("live for a last millisecond, is granted it", async () => {
    const sessions = { ES: ofOwnClaim(59_999) };
    await put(sessions, 20);
    expect(await claimOfEs("claim")).toEqual({ code: "granted", sessions });
  });
});

describe("a claim that the heartbeat of a bot of the field makes", () => {
  test("takes nothing that an operator has ended and freed meanwhile", async () => {
    const ended = { ES: { vacated_by: own, lapses_at: nowMs, ended: true as const } };
    await put({}, 20);
    const endedMeanwhile = {
      beforeWrite: 1,
      expression: "SET sessions.ES = :ended",
      values: { ended: ended.ES },
    } as const;
    const outcome = await claimOfEs("heartbeat", endedMeanwhile);
    expect(outcome).toEqual({ code: "session_ended", sessions: ended });
  });

  test("takes nothing that an operator has ended between its two writes", async () => {
    const vacancy = { vacated_by: own, lapses_at: nowMs + 10_000 };
    await put({ ES: vacancy }, 20);
    const endedMeanwhile = {
      beforeWrite: 2,
      expression: "SET sessions.ES.ended = :ended",
      values: { ended: true },
    } as const;
    const outcome = await claimOfEs("heartbeat", endedMeanwhile);
    expect(outcome).toEqual({
      code: "session_ended",
      sessions: { ES: { ...vacancy, ended: true } },
    });
  });

  test("is refused for another device while the right of the ended one lasts", async () => {
    const sessions = {
      ES: { vacated_by: "another-device", lapses_at: nowMs + 1, ended: true as const },
    };
    await put(sessions, 20);
    expect(await claimOfEs("heartbeat")).toEqual({ code: "session_conflict", sessions });
  });

  test("takes nothing that a rival has claimed since the heartbeat found nobody", async () => {
    await put({}, 20);
    const rival = sessionOf("another-device", 0);
    const { watched, happened } = interrupted({
      beforeWrite: 2,
      expression: "SET sessions.ES = :rival",
      values: { rival },
    });
    const caller = { licenseId, deviceFingerprint: own, sessionSymbol: "ES" };
    const report = { bot_version: undefined, bot_status: undefined, metadata: undefined };
    const outcome = await legacyHeartbeat(watched, caller, report, time, signal);
    expect(happened()).toBe(true);
    expect(outcome.code).toBe("session_conflict");
    expect((await table.get(licenseId, signal))?.sessions).toEqual({ ES: rival });
  });

  test("takes over the entry that a release of its own device has left", async () => {
    await put({ ES: { vacated_by: own, lapses_at: nowMs + 10_000 } }, 20);
    expect(await claimOfEs("heartbeat")).toEqual(granted(nowMs + 10_000));
  });

  test("takes what an operator has ended of another device, once it is free", async () => {
    await put({ ES: { vacated_by: "another-device", lapses_at: nowMs, ended: true } }, 20);
    expect(await claimOfEs("heartbeat")).toEqual(granted(nowMs));
  });
});
