import { describe, expect, test } from "vitest";
import { release } from "../../../lambdas/rules/release.ts";
import {
  holder,
  licenseWith,
  nowMs,
  openLicense,
  own,
  refusing,
  sessionOf,
  signal,
} from "./one-license.ts";

const { put, interrupted, sessions } = openLicense();

describe("a release that is about to leave an entry without holder", () => {
  test("leaves one of the claim that came between, for as long as that is contested", async () => {
    await put({ ES: { ...sessionOf(own, 0), contested_until: nowMs + 10_000 } }, 20);
    const { watched, happened } = interrupted({
      beforeWrite: 2,
      expression: "SET sessions.ES.session_id = :id, sessions.ES.contested_until = :end",
      values: { id: "third", end: nowMs + 40_000 },
    });
    const outcome = await release(watched, holder, nowMs, undefined, signal);
    expect(happened()).toBe(true);
    expect(outcome).toEqual({
      code: "released",
      waitSeconds: 40,
    });
    expect(await sessions()).toEqual({
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
    const outcome = await release(watched, holder, nowMs, undefined, signal);
    expect(happened()).toBe(true);
    expect(outcome).toEqual({
      code: "released",
      waitSeconds: 0,
    });
    expect(await sessions()).toEqual({});
  });
});

test("a release fails after 4 refused writes, more than rivals can explain", async () => {
  const license = licenseWith({ sessions: { ES: sessionOf(own, 0) } });
  const { table, writes } = refusing(license, 4);
  const message = "A release was refused more often than rivals can explain";
  await expect(release(table, holder, nowMs, undefined, signal)).rejects.toThrow(message);
  expect(writes()).toBe(4);
  const outcome = await release(refusing(license, 3).table, holder, nowMs, undefined, signal);
  expect(outcome.code).toBe("released");
});

test.each([
  [0, "released"],
  [1, "left_to_lapse"],
] as const)(
  "a release spares a session that was claimed %i ms after the instant it is given: %s",
  async (afterMs, code) => {
    const license = licenseWith({ sessions: { ES: sessionOf(own, 0) } });
    const { table } = refusing(license, 1);
    expect((await release(table, holder, nowMs, nowMs - afterMs, signal)).code).toBe(code);
  },
);
