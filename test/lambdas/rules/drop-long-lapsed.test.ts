import { expect, test } from "vitest";
import { claim } from "../../../lambdas/rules/claim.ts";
import { another, member, nowMs, openLicense, ownClaim, sessionOf } from "./one-license.ts";

const old = sessionOf(another, 8 * 86_400_000);

test("what was revived since the claim read it is not dropped, nor is anything else then", async () => {
  const opened = openLicense(
    { sessions: { AGED: old, OLDEST: old } },
    { 2: ({ sessions }) => Object.assign(sessions.AGED ?? {}, { lapses_at: nowMs + 60_000 }) },
  );
  expect((await claim(opened.database, ownClaim)).code).toBe("granted");
  expect(opened.symbols()).toEqual(["AGED", "ES", "OLDEST"]);
});

test("a symbol left without its session, and claimed since the claim read it, is not dropped", async () => {
  const opened = openLicense(
    { sessions: { NQ: member("gone") } },
    {
      2: (item) => {
        item.sessions.NQ = sessionOf(another, 0);
        item.fencing_token = nowMs + 1;
      },
    },
  );
  expect((await claim(opened.database, ownClaim)).code).toBe("granted");
  expect(opened.symbols()).toEqual(["ES", "NQ"]);
});

test("a claim waits half a second at most for what it drops, which is a version of its own", async () => {
  const opened = openLicense({ sessions: { AGED: old } });
  await claim(opened.database, ownClaim);
  expect(opened.symbols()).toEqual(["ES"]);
  expect(opened.item().fencing_token).toBe(nowMs + 1);
  expect(opened.withinMs()).toBe(500);
});

test("a claim is granted although the drop fails", async () => {
  const opened = openLicense(
    { sessions: { AGED: old } },
    {
      2: () => {
        throw new Error("throttled");
      },
    },
  );
  const outcome = await claim(opened.database, ownClaim);
  expect(outcome).toMatchObject({ code: "granted", license: { fencing_token: nowMs } });
  expect(opened.writes()).toBe(2);
});

test.for([
  ["a symbol left with the session that it belonged to", { sessions: { NQ: member("gone") } }],
  ["a session that no symbol belongs to any more", { portfolios: { key: sessionOf(another, 0) } }],
] as const)("%s goes with the next claim", async ([, attributes]) => {
  const opened = openLicense(attributes);
  await claim(opened.database, ownClaim);
  expect(opened.symbols()).toEqual(["ES"]);
  expect(opened.item().portfolios).toEqual({});
});
