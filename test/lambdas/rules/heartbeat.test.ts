import { describe, expect, test } from "vitest";
import { heartbeat } from "../../../lambdas/rules/heartbeat.ts";
import { nowMs, openLicense, own, ownBeat, sessionOf } from "./one-license.ts";

const named = { ...ownBeat, sessionId: "held" };
const unnamed = { ...ownBeat, sessionId: undefined };

describe("an entry without the length of its lease", () => {
  const old = (ageMs: number, leaseMs: number) => {
    const { lease_ms, ...entry } = sessionOf(own, ageMs, { confirmed: true });
    return { ...entry, lapses_at: entry.last_heartbeat + leaseMs };
  };

  test.for([
    [20_000, 60_000, 60_000],
    [20_000, 30_000, 60_000],
    // It ends no later than the timeout in force does.
    [20_000, 80_000, 60_000],
    // It ends later: its holder was promised more.
    [20_000, 80_001, 80_001],
    [1_000, 90_000, 90_000],
  ] as const)(
    "%i ms old, of %i ms, is given %i ms by its next heartbeat, in a second write",
    async ([ageMs, leaseMs, thenMs]) => {
      const opened = openLicense({ sessions: { ES: old(ageMs, leaseMs) } });
      expect((await heartbeat(opened.database, named)).code).toBe("recorded");
      expect(opened.item().sessions.ES).toMatchObject({
        lease_ms: thenMs,
        lapses_at: nowMs + thenMs,
      });
      expect(opened.writes()).toBe(2);
      await heartbeat(opened.database, named);
      expect(opened.writes()).toBe(3);
    },
  );

  test("is judged anew if another heartbeat comes between", async () => {
    const opened = openLicense(
      { sessions: { ES: old(20_000, 90_000) } },
      {
        2: ({ sessions }) =>
          Object.assign(sessions.ES ?? {}, { last_heartbeat: nowMs, lapses_at: nowMs + 60_000 }),
      },
    );
    expect((await heartbeat(opened.database, named)).code).toBe("recorded");
    expect(opened.item().sessions.ES).toMatchObject({ lease_ms: 60_000 });
    expect(opened.writes()).toBe(3);
  });
});

describe("a heartbeat that names an unnamed session", () => {
  const renewed = sessionOf(own, 60_000, {
    last_heartbeat: nowMs - 20_000,
    lapses_at: nowMs + 40_000,
  });

  test("keeps the contest there is, if that lasts longer than the lease as it was", async () => {
    const longer = { ...renewed, contested_until: nowMs + 50_000 };
    const opened = openLicense({ sessions: { ES: longer } });
    await heartbeat(opened.database, named);
    expect(opened.item().sessions.ES).toMatchObject({ contested_until: nowMs + 50_000 });
  });

  test("sees the renewal that comes between its writes", async () => {
    const opened = openLicense(
      { sessions: { ES: sessionOf(own, 20_000) } },
      {
        2: ({ sessions }) =>
          Object.assign(sessions.ES ?? {}, { last_heartbeat: nowMs, lapses_at: nowMs + 60_000 }),
      },
    );
    await heartbeat(opened.database, named);
    expect(opened.item().sessions.ES).toMatchObject({
      confirmed: true,
      contested_until: nowMs + 60_000,
    });
  });

  test("and one that does not name it, renews what is not named yet by one write", async () => {
    const opened = openLicense({ sessions: { ES: renewed } });
    expect((await heartbeat(opened.database, unnamed)).code).toBe("recorded");
    expect(opened.writes()).toBe(1);
    expect(opened.item().sessions.ES).not.toHaveProperty("confirmed");
  });
});

test("a report may have fields whose names are reserved words of DynamoDB", async () => {
  const report = { bot_version: "1", bot_status: "s", metadata: "{}", value: "v", position: "p" };
  const opened = openLicense({ sessions: { ES: sessionOf(own, 0) } });
  await heartbeat(opened.database, { ...named, report });
  expect(opened.item().sessions.ES).toMatchObject(report);
});
