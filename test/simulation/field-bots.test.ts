import { describe, expect, test } from "vitest";
import { openStage, type Stage } from "../support/field-stage.ts";

const second = 1_000;
const minute = 60_000;
/** What a heartbeat takes, there and back: nobody can stop earlier than he is told to. */
const roundTripMs = 40;

/** Each row: what happens to a bot on device A, while a rival tries each second. */
const cases: {
  name: string;
  play(stage: Stage): Promise<unknown>;
  /** Without the setting, two devices trade. */
}[] = [
  {
    name: "its session is taken while it sleeps",
    async play(stage) {
      stage.start("A");
      await stage.pass(30 * second);
      stage.letRivalTry();
      await stage.sleepFor("A", 5 * minute);
      await stage.pass(10 * minute);
    },
  },
  {
    name: "a second copy on its device is started and closed",
    async play(stage) {
      stage.start("A");
      await stage.pass(30 * second);
      stage.letRivalTry();
      const copy = stage.start("A");
      await stage.pass(50 * second);
      void copy.close();
      await stage.pass(10 * minute);
    },
  },
  {
    name: "a second copy on its device is closed after a long time",
    async play(stage) {
      stage.start("A");
      await stage.pass(30 * second);
      stage.letRivalTry();
      const copy = stage.start("A");
      await stage.pass(7 * minute + 3 * second);
      void copy.close();
      await stage.pass(10 * minute);
    },
  },
  {
    name: "its session is gone, and a rival comes after its next heartbeat",
    async play(stage) {
      stage.start("A");
      await stage.pass(30 * second);
      stage.remove("*");
      await stage.pass(25 * second);
      stage.letRivalTry();
      await stage.pass(10 * minute);
    },
  },
  {
    name: "it is closed and started again within a minute",
    async play(stage) {
      const first = stage.start("A");
      await stage.pass(5 * minute);
      void first.close();
      await stage.pass(5 * second);
      stage.start("A");
      await stage.pass(1 * second);
      stage.letRivalTry();
      await stage.pass(10 * minute);
    },
  },
  {
    name: "it is closed and started again twice within a minute",
    async play(stage) {
      const first = stage.start("A");
      await stage.pass(5 * minute);
      void first.close();
      await stage.pass(2 * second);
      const again = stage.start("A");
      await stage.pass(20 * second);
      void again.close();
      await stage.pass(2 * second);
      stage.start("A");
      await stage.pass(1 * second);
      stage.letRivalTry();
      await stage.pass(10 * minute);
    },
  },
  {
    name: "somebody else uses the key during the market break and releases it",
    async play(stage) {
      stage.start("A");
      await stage.pass(30 * second);
      stage.setMarket(false);
      await stage.pass(70 * second);
      const guest = stage.start("guest");
      await stage.pass(30 * second);
      void guest.close();
      await stage.pass(3 * minute);
      stage.setMarket(true);
      await stage.pass(25 * second);
      stage.letRivalTry();
      await stage.pass(10 * minute);
    },
  },
  {
    name: "it was running before the service was",
    async play(stage) {
      stage.start("A", { startedBefore: true });
      await stage.pass(25 * second);
      stage.letRivalTry();
      await stage.pass(10 * minute);
    },
  },
];

describe.each(cases)("a bot of the field: $name", ({ play }) => {
  test("with legacyBots no two devices trade", async () => {
    const stage = await openStage({ legacyBots: true });
    await play(stage);
    expect(stage.bothTradedMs()).toBeLessThanOrEqual(roundTripMs);
  });

  test("without legacyBots the owner's contract stands, and they do", async () => {
    const stage = await openStage({ legacyBots: false });
    await play(stage);
    expect(stage.bothTradedMs()).toBeGreaterThan(minute);
  });
});

describe.each([
  ["suspended", (stage: Stage) => stage.set("status", { S: "suspended" })],
  ["cancelled, as by a new key", (stage: Stage) => stage.set("status", { S: "cancelled" })],
  ["expired", (stage: Stage) => stage.set("license_expiration", { N: `${stage.nowMs()}` })],
  ["unknown", (stage: Stage) => stage.table.remove(stage.licenseId)],
])("a bot of the field without a session, whose license is %s", (_name, end) => {
  test("stops within one beat with legacyBots", async () => {
    const stage = await openStage({ legacyBots: true });
    const bot = await running(stage);
    stage.remove("*");
    end(stage);
    await stage.pass(21 * second);
    expect(bot.trading()).toBe(false);
  });

  test("trades on without it", async () => {
    const stage = await openStage({ legacyBots: false });
    const bot = await running(stage);
    stage.remove("*");
    end(stage);
    await stage.pass(5 * minute);
    expect(bot.trading()).toBe(true);
  });
});

describe.each([true, false])("with legacyBots %s, a bot of the field", (legacyBots) => {
  test("opens no trade in the last hour of its license, nor in the one before", async () => {
    const stage = await openStage({ legacyBots });
    const bot = await running(stage);
    const hours = 3_600_000;
    stage.set("license_expiration", { N: `${stage.nowMs() + 2.5 * hours}` });
    await stage.pass(21 * second);
    expect(bot.opensTrades()).toBe(true);
    stage.set("license_expiration", { N: `${stage.nowMs() + 1.5 * hours}` });
    await stage.pass(21 * second);
    expect(bot.opensTrades()).toBe(false);
    stage.set("license_expiration", { N: `${stage.nowMs() + 0.5 * hours}` });
    await stage.pass(21 * second);
    expect(bot.opensTrades()).toBe(false);
    expect(bot.trading()).toBe(true);
  });

  test("is shown at its start who is in the way and how long to wait", async () => {
    const stage = await openStage({ legacyBots });
    await running(stage);
    const other = stage.start("another-device");
    await stage.pass(1_000);
    expect(other.trading()).toBe(false);
    expect(other.lastWords()).toMatch(/license is fine.*device-o\.\.\..*\d+ s/);
  });

  test("trades on while the storage fails", async () => {
    const stage = await openStage({ legacyBots });
    const bot = await running(stage);
    stage.setStorageFailing(true);
    await stage.pass(10 * minute);
    expect(bot.trading()).toBe(true);
  });
});

test("200 bots of the field that start at once, on one key, are one that trades", async () => {
  const stage = await openStage({ legacyBots: true });
  const bots = Array.from({ length: 200 }, (_, index) => stage.start(`device-${index}`));
  await stage.pass(5 * minute);
  expect(bots.filter((bot) => bot.trading())).toHaveLength(1);
  expect(stage.bothTradedMs()).toBe(0);
});

async function running(stage: Stage) {
  const bot = stage.start("device-of-the-bot");
  await stage.pass(30 * second);
  expect(bot.trading()).toBe(true);
  return bot;
}
