import { describe, expect, test } from "vitest";
import { legacyRelease } from "../../../lambdas/legacy/legacy-release.ts";
import { release } from "../../../lambdas/rules/release.ts";
import { another, member, nowMs, openLicense, own, ownRelease, sessionOf } from "./one-license.ts";

const named = { ...ownRelease, sessionId: "held" };
const contested = sessionOf(own, 0, { confirmed: true, contested_until: nowMs + 10_000 });

describe("between the two writes of a contested release", () => {
  test("the contest grows: the vacancy lasts as long", async () => {
    const opened = openLicense(
      { sessions: { ES: contested } },
      {
        2: (item) => {
          Object.assign(item.sessions.ES ?? {}, { contested_until: nowMs + 40_000 });
          item.fencing_token = 8;
        },
      },
    );
    expect(await release(opened.database, named)).toMatchObject({
      code: "released",
      waitSeconds: 40,
    });
    expect(opened.item().sessions.ES).toMatchObject({ lapses_at: nowMs + 40_000 });
    expect(opened.writes()).toBe(3);
  });

  test("another process replaces the session: nothing is released", async () => {
    const third = sessionOf(own, 0, { session_id: "third" });
    const opened = openLicense(
      { sessions: { ES: contested } },
      {
        2: (item) => {
          item.sessions.ES = third;
          item.fencing_token = 8;
        },
      },
    );
    expect(await release(opened.database, named)).toEqual({
      code: "not_held",
      why: "another_session",
    });
    expect(opened.item().sessions.ES).toEqual(third);
  });
});

test.for([1, 2])(
  "a release of an unnamed session sees the heartbeat that comes before its write %i, of the same millisecond",
  async (write) => {
    const renewedBefore = sessionOf(own, 20_000, { started_at: nowMs - 30_000 });
    const opened = openLicense(
      { sessions: { ES: write === 1 ? sessionOf(own, 20_000) : renewedBefore } },
      {
        [write]: ({ sessions }) =>
          Object.assign(sessions.ES ?? {}, { last_heartbeat: nowMs, lapses_at: nowMs + 60_000 }),
      },
    );
    expect(await release(opened.database, named)).toMatchObject({ waitSeconds: 60 });
  },
);

test("what waits on a part of a session overwrites nothing that stands in the item", async () => {
  const opened = openLicense({
    sessions: { ES: member("key"), NQ: member("key") },
    portfolios: { key: contested, vac: sessionOf(another, 0) },
  });
  const some = { ...named, portfolioKey: "key", grantedSymbols: 2 };
  expect(await release(opened.database, some)).toMatchObject({ code: "released" });
  expect(opened.item().portfolios).toMatchObject({
    vac: { session_id: "held" },
    vad: { vacated_session_id: "held" },
  });
});

test.for([
  ["at the instant a contest is over", nowMs, 0, 1],
  ["a millisecond before", nowMs + 1, 1, 2],
] as const)("%s, a release waits %i s", async ([, contested_until, waitSeconds, writes]) => {
  const opened = openLicense({ sessions: { ES: { ...contested, contested_until } } });
  expect(await release(opened.database, named)).toMatchObject({ code: "released", waitSeconds });
  expect(opened.writes()).toBe(writes);
});

test.for([
  [120_000, "released"],
  [119_999, "left_to_lapse"],
] as const)("a legacy release of what was claimed %i ms ago: %s", async ([ageMs, code]) => {
  const opened = openLicense({ sessions: { ES: sessionOf(own, ageMs) } });
  const request = { ...ownRelease, sessionId: undefined, legacy: legacyRelease(nowMs) };
  expect((await release(opened.database, request)).code).toBe(code);
});
