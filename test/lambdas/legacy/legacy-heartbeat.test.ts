import { describe, expect, test } from "vitest";
import { legacyHeartbeat } from "../../../lambdas/legacy/legacy-heartbeat.ts";
import {
  caller,
  granted,
  noReport,
  nowMs,
  openLicense,
  own,
  sessionOf,
  signal,
  time,
} from "../rules/one-license.ts";

const { put, interrupted, sessions, claimOfEs } = openLicense();

describe("a claim that the heartbeat of a legacy bot makes", () => {
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
    const outcome = await legacyHeartbeat(watched, caller, noReport, time, signal);
    expect(happened()).toBe(true);
    expect(outcome.code).toBe("session_conflict");
    expect(await sessions()).toEqual({ ES: rival });
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
