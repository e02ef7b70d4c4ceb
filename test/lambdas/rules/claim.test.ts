import { describe, expect, test } from "vitest";
import { type Claim, checkClaim, claim } from "../../../lambdas/rules/claim.ts";
import {
  another,
  claimOfTwo,
  type itemWith,
  member,
  nowMs,
  openLicense,
  own,
  ownClaim,
  ownRun,
  sessionOf,
  vacancyOf,
} from "./one-license.ts";

type License = Parameters<typeof openLicense>;
type Attributes = License[0];
type Meanwhile = (item: ReturnType<typeof itemWith>) => unknown;

/** What a claim comes to if somebody else does that just before its second write. */
async function claimWhile(attributes: Attributes, meanwhile: Meanwhile, request: Claim = ownClaim) {
  let happened = false;
  const opened = openLicense(attributes, {
    2: (item) => {
      meanwhile(item);
      item.fencing_token = Number(item.fencing_token) + 1;
      happened = true;
    },
  });
  const outcome = await claim(opened.database, request);
  expect(happened).toBe(true);
  return { outcome, entry: opened.item().sessions.ES, ...opened };
}

describe("between the two writes of a claim over an entry of its own device", () => {
  test.for<[string, object, Meanwhile, string, number?]>([
    [
      "a heartbeat renews the session: it is contested until the end of that lease",
      sessionOf(own, 20_000),
      ({ sessions }) => Object.assign(sessions.ES ?? {}, { lapses_at: nowMs + 75_000 }),
      "granted",
      nowMs + 75_000,
    ],
    [
      "a third process claims: it is contested for as long as that is",
      sessionOf(own, 20_000),
      ({ sessions }) => {
        sessions.ES = sessionOf(own, 0, { session_id: "third", contested_until: nowMs + 90_000 });
      },
      "granted",
      nowMs + 90_000,
    ],
    [
      "a vacancy is extended: it is contested for as long as that",
      vacancyOf(own, nowMs + 1),
      ({ sessions }) => Object.assign(sessions.ES ?? {}, { lapses_at: nowMs + 30_000 }),
      "granted",
      nowMs + 30_000,
    ],
    [
      "another device gets the symbol: it is refused",
      vacancyOf(own, nowMs + 1),
      ({ sessions }) => {
        sessions.ES = sessionOf(another, 0);
      },
      "session_conflict",
    ],
    [
      "seats are taken away, and it holds a live session: it needs none",
      sessionOf(own, 59_999),
      (item) => {
        item.max_sessions = 0;
      },
      "granted",
      nowMs + 1,
    ],
    [
      "seats are taken away, and its session has lapsed: it needs one",
      sessionOf(own, 60_000),
      (item) => {
        item.max_sessions = 0;
      },
      "session_limit",
    ],
    [
      "the license is suspended: it is refused",
      sessionOf(own, 0),
      (item) => {
        item.status = "suspended";
      },
      "license_suspended",
    ],
  ])("%s", async ([, es, meanwhile, code, contestedUntilMs]) => {
    const { outcome, entry } = await claimWhile({ sessions: { ES: { ...es } } }, meanwhile);
    expect(outcome.code).toBe(code);
    if (code === "granted") expect(entry?.contested_until).toBe(contestedUntilMs);
  });

  test("a heartbeat of the same millisecond names the session: a claim without run is refused", async () => {
    const opened = openLicense(
      { sessions: { ES: sessionOf(own, 0) } },
      { 2: ({ sessions }) => Object.assign(sessions.ES ?? {}, { confirmed: true }) },
    );
    const outcome = await claim(opened.database, { ...ownClaim, opening: undefined });
    expect(outcome.code).toBe("session_conflict");
    expect(opened.writes()).toBe(2);
  });

  test("a heartbeat confirms the grant that is repeated: it is claim_late", async () => {
    const granted = sessionOf(own, 0, { run_id: ownRun, claim_number: 5 });
    const opened = openLicense(
      { sessions: { ES: granted } },
      { 2: ({ sessions }) => Object.assign(sessions.ES ?? {}, { confirmed: true }) },
    );
    const outcome = await claim(opened.database, ownClaim);
    expect(outcome).toEqual({ code: "claim_late", waitSeconds: 60 });
  });
});

describe("between the two writes of a claim that displaces a lapsed session", () => {
  test.for<[string, Meanwhile, string, string[]]>([
    [
      "its symbol gets a seat: none is displaced",
      ({ sessions }) => {
        sessions.ES = sessionOf(own, 0);
        delete sessions.LIVE;
      },
      "granted",
      ["ES", "LAPSED"],
    ],
    [
      "a seat is taken away: it is refused",
      (item) => {
        item.max_sessions = 1;
      },
      "session_limit",
      ["LAPSED", "LIVE"],
    ],
    [
      "another session begins: it is refused",
      ({ sessions }) => {
        sessions.MORE = sessionOf(another, 0);
      },
      "session_limit",
      ["LAPSED", "LIVE", "MORE"],
    ],
    [
      "the lapsed one is released: its seat is free",
      ({ sessions }) => {
        delete sessions.LAPSED;
      },
      "granted",
      ["ES", "LIVE"],
    ],
  ])("%s", async ([, meanwhile, code, left]) => {
    const sessions = { LAPSED: sessionOf(another, 60_000), LIVE: sessionOf(another, 0) };
    const { outcome, symbols } = await claimWhile({ sessions, max_sessions: 2 }, meanwhile);
    expect([outcome.code, ...symbols()]).toEqual([code, ...left]);
  });

  test("nothing: of two, the one that lapsed first is displaced, wherever it stands", async () => {
    const sessions = { A: sessionOf(another, 60_000), Z: sessionOf(another, 90_000) };
    const opened = openLicense({ sessions, max_sessions: 2 });
    expect((await claim(opened.database, ownClaim)).code).toBe("granted");
    expect(opened.symbols()).toEqual(["A", "ES"]);
  });

  test("a heartbeat revives it, which leaves the token: it is refused", async () => {
    const opened = openLicense(
      { sessions: { NQ: sessionOf(another, 60_000) }, max_sessions: 1 },
      { 2: ({ sessions }) => Object.assign(sessions.NQ ?? {}, { lapses_at: nowMs + 1 }) },
    );
    expect((await claim(opened.database, ownClaim)).code).toBe("session_limit");
    expect(opened.symbols()).toEqual(["NQ"]);
  });
});

describe("a write that was applied although the SDK saw no answer, and is refused at its second attempt", () => {
  const mine = sessionOf(own, 0, { session_id: "mine", run_id: ownRun, claim_number: 5 });
  const late = (code: string, waitSeconds: number) => ({ code, waitSeconds });

  test("is granted, writes no more, and is new for the history", async () => {
    const opened = openLicense({ sessions: { ES: mine } });
    const outcome = await claim(opened.database, ownClaim);
    expect(outcome).toMatchObject({
      code: "granted",
      isNew: true,
      session: { session_id: "mine" },
    });
    expect(opened.writes()).toBe(1);
  });

  test.for([
    ["a vacancy of it", { lease_ms: 60_000 }, late("claim_late", 30)],
    ["what an operator ended of it", { ended_at: nowMs }, late("session_ended", 30)],
  ] as const)("finds %s", async ([, attributes, outcome]) => {
    const vacancy = vacancyOf(own, nowMs + 30_000, { vacated_session_id: "mine", ...attributes });
    const opened = openLicense({ sessions: { ES: vacancy } });
    expect(await claim(opened.database, ownClaim)).toEqual(outcome);
  });

  test.for([
    ["with its members", { ES: member("key"), NQ: member("key") }, "granted"],
    ["without members", {}, "claim_late"],
  ] as const)("of several symbols, finds its session %s", async ([, sessions, code]) => {
    const portfolios = { key: sessionOf(own, 0, { session_id: "mine.key.2" }) };
    const opened = openLicense({ sessions: { ...sessions }, portfolios });
    expect((await claim(opened.database, claimOfTwo)).code).toBe(code);
  });
});

test("an attempt whose own grant has lapsed, but is contested, is a new grant, contested for as long", async () => {
  const lapsed = sessionOf(own, 60_000, {
    run_id: ownRun,
    claim_number: 5,
    contested_until: nowMs + 10_000,
  });
  const opened = openLicense({ sessions: { ES: lapsed } });
  expect(await claim(opened.database, ownClaim)).toMatchObject({ code: "granted", isNew: true });
  expect(opened.item().sessions.ES?.contested_until).toBe(nowMs + 10_000);
});

test("a key that another session of several has is never used twice in an item", async () => {
  const portfolios = { key: sessionOf(another, 0) };
  const opened = openLicense({ sessions: { CL: member("key") }, portfolios });
  const next = { code: "granted", session: { session_id: "mine.kez.2" } };
  expect(await claim(opened.database, claimOfTwo)).toMatchObject(next);
  expect(opened.item().sessions).toEqual({ CL: "key", ES: "kez", NQ: "kez" });
  // As when the SDK sends the write again.
  expect(await claim(opened.database, claimOfTwo)).toMatchObject({ ...next, isNew: true });
  expect(Object.keys(opened.item().portfolios)).toEqual(["key", "kez"]);
});

test.for([
  ["the first of them is free already", 60_000, 20_000, "granted"],
  ["neither is", 20_000, 0, "claim_late"],
] as const)(
  "over sessions of two other openings of its run, an attempt of several symbols is judged by each: %s",
  async ([, ageOfEs, ageOfNq, code]) => {
    const entry = (ageMs: number, claim_number: number) =>
      sessionOf(own, ageMs, { run_id: ownRun, claim_number, confirmed: true });
    const sessions = { ES: entry(ageOfEs, 9), NQ: entry(ageOfNq, 4) };
    expect((await claim(openLicense({ sessions }).database, claimOfTwo)).code).toBe(code);
  },
);

test("an attempt that was applied, and of whose symbols one is gone since, is late", async () => {
  const mine = sessionOf(own, 0, { session_id: "mine", run_id: ownRun, claim_number: 5 });
  const opened = openLicense({
    sessions: { ES: member("key"), NQ: sessionOf(another, 0) },
    portfolios: { key: { ...mine, session_id: "mine.key.2" } },
  });
  expect((await claim(opened.database, claimOfTwo)).code).toBe("claim_late");
});

test("an entry without device, which no version wrote, is closed to all", async () => {
  const opened = openLicense({ sessions: { ES: { foo: 1, lapses_at: 5 } } });
  expect((await claim(opened.database, ownClaim)).code).toBe("session_conflict");
});

test("a claim fails once it is refused more often than rivals explain", async () => {
  const renewed = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [
      index + 1,
      ({ sessions }: { sessions: Record<string, object> }) =>
        Object.assign(sessions.ES ?? {}, { lapses_at: nowMs + index + 1 }),
    ]),
  );
  const opened = openLicense({ sessions: { ES: sessionOf(own, 0) } }, renewed);
  await expect(claim(opened.database, ownClaim)).rejects.toThrow(
    "A write was refused more often than rivals explain",
  );
  expect(opened.writes()).toBe(102);
});

test("a token that can't grow any more is an error, not a token that was there before", async () => {
  const opened = openLicense({ fencing_token: Number.MAX_SAFE_INTEGER });
  await expect(checkClaim(opened.database, ownClaim)).rejects.toThrow("can't grow any more");
});

test("a session of several that replaces two of its device is contested until the later of their ends", async () => {
  const sessions = { ES: sessionOf(own, 20_000), NQ: sessionOf(own, 5_000) };
  const opened = openLicense({ sessions });
  expect((await claim(opened.database, claimOfTwo)).code).toBe("granted");
  expect(opened.item().portfolios.key?.contested_until).toBe(nowMs + 55_000);
});

test("of two symbols of its own device, the one that has lapsed needs a seat", async () => {
  const sessions = {
    CL: sessionOf(another, 0),
    ES: sessionOf(own, 20_000),
    NQ: sessionOf(own, 70_000),
  };
  const opened = openLicense({ sessions, max_sessions: 2 });
  expect((await claim(opened.database, claimOfTwo)).code).toBe("session_limit");
});

describe("an opening of several with the number of", () => {
  const opening = { run_id: ownRun, claim_number: 5 };
  const granted = sessionOf(own, 1_000, { ...opening, session_id: "first" });
  const over = vacancyOf(own, nowMs + 10_000, { ...opening, lease_ms: 60_000 });
  test.for([
    ["a session of one is late", { ES: granted }, ["ES"], "claim_late"],
    [
      "two sessions of several is late",
      { ES: member("a"), NQ: member("b") },
      ["ES", "NQ"],
      "claim_late",
    ],
    [
      "what an operator ended one of is ended",
      { ES: over, NQ: { ...over, ended_at: nowMs - 1 } },
      ["ES", "NQ"],
      "session_ended",
    ],
  ] as const)("%s", async ([, sessions, symbols, code]) => {
    const { database } = openLicense({ sessions, portfolios: { a: granted, b: granted } });
    const outcome = await claim(database, { ...claimOfTwo, symbols });
    expect(outcome.code).toBe(code);
  });
});
