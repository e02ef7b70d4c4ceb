import { describe, expect, test, vi } from "vitest";
import { claim } from "../../../lambdas/rules/claim.ts";
import type { SessionTable } from "../../../lambdas/store/table.ts";
import { nowMs, openLicense, ownClaim, sessionOf, signal, time } from "./one-license.ts";

const { table, put, claimOfEs } = openLicense();

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

  test("is a heartbeat of a legacy bot: it drops nothing", async () => {
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
      ...table(),
      update(change, until) {
        if (++writes === 1) return table().update(change, until);
        ends[end as keyof typeof ends].abort();
        if (!until.aborted) throw new TypeError("The write would go on");
        return Promise.reject(until.reason);
      },
    };
    const outcome = claim(hanging, ownClaim, time, ends["the request"].signal);
    expect((await outcome).code).toBe("granted");
  });

  test("is granted although that write fails", async () => {
    await put({ AGED: old }, 20);
    let writes = 0;
    const failing: SessionTable = {
      ...table(),
      update: (change, until) =>
        ++writes === 2 ? Promise.reject(new Error("throttled")) : table().update(change, until),
    };
    const outcome = await claim(failing, ownClaim, time, signal);
    expect(outcome).toMatchObject({ code: "granted", license: { fencing_token: 8 } });
    expect(writes).toBe(2);
  });
});
