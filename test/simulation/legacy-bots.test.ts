import { describe, expect, test } from "vitest";
import { type LegacyBotSetup, setUpLegacyBot } from "../support/legacy-bot-setup.ts";

const second = 1_000;
const minute = 60_000;
/** What a heartbeat takes, there and back: nobody can stop earlier than he is told to. */
const roundTripMs = 40;

/** Each row: what happens to a bot on device A, while a rival tries each second. */
const cases: {
  name: string;
  play(setup: LegacyBotSetup): Promise<unknown>;
  /** Only releases: without the setting, too, they leave the session to lapse. */
  onlyReleases?: true;
}[] = [
  {
    name: "its session is taken while it sleeps",
    async play(setup) {
      setup.start("A");
      await setup.pass(30 * second);
      setup.letRivalTry();
      await setup.sleepFor("A", 5 * minute);
      await setup.pass(10 * minute);
    },
  },
  {
    name: "a second copy on its device is started and closed",
    onlyReleases: true,
    async play(setup) {
      setup.start("A");
      await setup.pass(30 * second);
      setup.letRivalTry();
      const copy = setup.start("A");
      await setup.pass(50 * second);
      void copy.close();
      await setup.pass(10 * minute);
    },
  },
  {
    name: "a second copy on its device is closed after a long time",
    onlyReleases: true,
    async play(setup) {
      setup.start("A");
      await setup.pass(30 * second);
      setup.letRivalTry();
      const copy = setup.start("A");
      await setup.pass(7 * minute + 3 * second);
      void copy.close();
      await setup.pass(10 * minute);
    },
  },
  {
    name: "its session is gone, and a rival comes after its next heartbeat",
    async play(setup) {
      setup.start("A");
      await setup.pass(30 * second);
      setup.remove("*");
      await setup.pass(25 * second);
      setup.letRivalTry();
      await setup.pass(10 * minute);
    },
  },
  {
    name: "it is closed and started again within a minute",
    onlyReleases: true,
    async play(setup) {
      const first = setup.start("A");
      await setup.pass(5 * minute);
      void first.close();
      await setup.pass(5 * second);
      setup.start("A");
      await setup.pass(1 * second);
      setup.letRivalTry();
      await setup.pass(10 * minute);
    },
  },
  {
    name: "it is closed and started again twice within a minute",
    onlyReleases: true,
    async play(setup) {
      const first = setup.start("A");
      await setup.pass(5 * minute);
      void first.close();
      await setup.pass(2 * second);
      const again = setup.start("A");
      await setup.pass(20 * second);
      void again.close();
      await setup.pass(2 * second);
      setup.start("A");
      await setup.pass(1 * second);
      setup.letRivalTry();
      await setup.pass(10 * minute);
    },
  },
  {
    name: "somebody else uses the key during the market break and releases it",
    async play(setup) {
      setup.start("A");
      await setup.pass(30 * second);
      setup.setMarket(false);
      await setup.pass(70 * second);
      const guest = setup.start("guest");
      await setup.pass(30 * second);
      void guest.close();
      await setup.pass(3 * minute);
      setup.setMarket(true);
      await setup.pass(25 * second);
      setup.letRivalTry();
      await setup.pass(10 * minute);
    },
  },
  {
    name: "it was running before the service was",
    async play(setup) {
      setup.start("A", { startedBefore: true });
      await setup.pass(25 * second);
      setup.letRivalTry();
      await setup.pass(10 * minute);
    },
  },
];

describe.each(cases)("a legacy bot: $name", ({ play, onlyReleases }) => {
  test("with legacyBots no two devices trade", async () => {
    const setup = await setUpLegacyBot({ legacyBots: true });
    await play(setup);
    expect(setup.bothTradedMs()).toBeLessThanOrEqual(roundTripMs);
  });

  const doThey = onlyReleases ? "none do either" : "they do";
  test(`without legacyBots the owner's contract stands, and ${doThey}`, async () => {
    const setup = await setUpLegacyBot({ legacyBots: false });
    await play(setup);
    if (onlyReleases) expect(setup.bothTradedMs()).toBe(0);
    else expect(setup.bothTradedMs()).toBeGreaterThan(minute);
  });
});

test("a legacy bot that is alone trades on beside a session that was left and only waits to lapse", async () => {
  const setup = await setUpLegacyBot({ legacyBots: true });
  const laptop = setup.start("A");
  await setup.pass(30 * second);
  // It sleeps, its session lapses, and the desktop has it for a moment.
  await setup.sleepFor("A", 3 * minute - 20 * second);
  const desktop = setup.start("B");
  await setup.pass(10 * second);
  expect(desktop.trading() || laptop.trading()).toBe(true);
  void desktop.close();
  await setup.pass(2 * minute);
  expect(laptop.trading()).toBe(true);
});

test("once a closed legacy bot was silent for 300 s, its next session is freed when it closes", async () => {
  const setup = await setUpLegacyBot({ legacyBots: true });
  setup.start("A");
  await setup.pass(30 * second);
  setup.kill("A");
  await setup.pass(10 * second);
  // After a crash a second copy may live: the session is marked, and left to lapse.
  const afterCrash = setup.start("A");
  await setup.pass(5 * minute);
  void afterCrash.close();
  await setup.pass(6 * minute);
  const third = setup.start("A");
  await setup.pass(5 * minute);
  void third.close();
  await setup.pass(1 * second);
  const other = setup.start("B");
  await setup.pass(1 * second);
  expect(other.trading()).toBe(true);
});

describe.each([
  ["suspended", (setup: LegacyBotSetup) => setup.set("status", { S: "suspended" })],
  [
    "cancelled, as by a new key",
    (setup: LegacyBotSetup) => setup.set("status", { S: "cancelled" }),
  ],
  [
    "expired",
    (setup: LegacyBotSetup) => setup.set("license_expiration", { N: `${setup.nowMs()}` }),
  ],
  ["unknown", (setup: LegacyBotSetup) => setup.table.remove(setup.licenseId)],
])("a legacy bot without a session, whose license is %s", (_name, end) => {
  test("stops within one beat with legacyBots", async () => {
    const setup = await setUpLegacyBot({ legacyBots: true });
    const bot = await running(setup);
    setup.remove("*");
    end(setup);
    await setup.pass(21 * second);
    expect(bot.trading()).toBe(false);
  });

  test("trades on without it", async () => {
    const setup = await setUpLegacyBot({ legacyBots: false });
    const bot = await running(setup);
    setup.remove("*");
    end(setup);
    await setup.pass(5 * minute);
    expect(bot.trading()).toBe(true);
  });
});

describe.each([true, false])("with legacyBots %s, a legacy bot", (legacyBots) => {
  test("opens no trade in the last hour of its license, nor in the one before", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = await running(setup);
    const hours = 3_600_000;
    setup.set("license_expiration", { N: `${setup.nowMs() + 2.5 * hours}` });
    await setup.pass(21 * second);
    expect(bot.opensTrades()).toBe(true);
    setup.set("license_expiration", { N: `${setup.nowMs() + 1.5 * hours}` });
    await setup.pass(21 * second);
    expect(bot.opensTrades()).toBe(false);
    setup.set("license_expiration", { N: `${setup.nowMs() + 0.5 * hours}` });
    await setup.pass(21 * second);
    expect(bot.opensTrades()).toBe(false);
    expect(bot.trading()).toBe(true);
  });

  test("is shown at its start who is in the way and how long to wait", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    await running(setup);
    const other = setup.start("another-device");
    await setup.pass(1_000);
    expect(other.trading()).toBe(false);
    expect(other.lastWords()).toMatch(/license is fine.*device-o\.\.\..*\d+ s/);
  });

  test("trades on while the storage fails", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = await running(setup);
    setup.setStorageFailing(true);
    await setup.pass(10 * minute);
    expect(bot.trading()).toBe(true);
  });
});

test("200 legacy bots that start at once, on one key, are one that trades", async () => {
  const setup = await setUpLegacyBot({ legacyBots: true });
  const bots = Array.from({ length: 200 }, (_, index) => setup.start(`device-${index}`));
  await setup.pass(5 * minute);
  expect(bots.filter((bot) => bot.trading())).toHaveLength(1);
  expect(setup.bothTradedMs()).toBe(0);
});

async function running(setup: LegacyBotSetup) {
  const bot = setup.start("device-of-the-bot");
  await setup.pass(30 * second);
  expect(bot.trading()).toBe(true);
  return bot;
}
