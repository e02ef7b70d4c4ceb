import { beforeEach, describe, expect, test } from "vitest";
import { nowMs, openLicense, own, sessionOf } from "./one-license.ts";

const { put, claimOfEs } = openLicense();

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
