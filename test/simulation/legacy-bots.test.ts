import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { askAddress } from "../../ops/data/ask-address.ts";
import type { LegacyBot, LegacyBotIdentity } from "../../simulation/legacy-bot.ts";
import { type LegacyBotSetup, setUpLegacyBot } from "../support/legacy-bot-setup.ts";

const second = 1_000;
const minute = 60_000;
/** What a heartbeat takes, there and back: nobody can stop earlier than he is told to. */
const roundTripMs = 40;

/** What happens to a bot that has run on device A for 30 s, while a rival tries each second. */
type Case = {
  name: string;
  play(setup: LegacyBotSetup, bot: LegacyBot): Promise<unknown>;
  startedBefore?: true;
  /** Only releases: without the setting, too, they leave the session to lapse. */
  onlyReleases?: true;
};

const cases: Case[] = [
  {
    name: "its session is taken while it sleeps",
    play(setup) {
      setup.letRivalTry();
      return setup.whileAsleep("A", () => setup.pass(5 * minute));
    },
  },
  ...[50 * second, 7 * minute + 3 * second].map(
    (ms): Case => ({
      name: `a second copy on its device is started, and closed after ${ms / second} s`,
      onlyReleases: true,
      play(setup) {
        setup.letRivalTry();
        return runs(setup, ms, "A");
      },
    }),
  ),
  {
    name: "its session is gone, and a rival comes after its next heartbeat",
    async play(setup) {
      setup.remove("*");
      await setup.pass(25 * second);
      setup.letRivalTry();
    },
  },
  {
    name: "it is closed and started again within a minute",
    onlyReleases: true,
    async play(setup, first) {
      await setup.pass(4.5 * minute);
      void first.close();
      await setup.pass(5 * second);
      setup.start("A");
      await setup.pass(1 * second);
      setup.letRivalTry();
    },
  },
  {
    name: "it is closed and started again twice within a minute",
    onlyReleases: true,
    async play(setup, first) {
      await setup.pass(4.5 * minute);
      void first.close();
      await setup.pass(2 * second);
      await runs(setup, 20 * second, "A");
      await setup.pass(2 * second);
      setup.start("A");
      await setup.pass(1 * second);
      setup.letRivalTry();
    },
  },
  {
    name: "somebody else uses the key during the market break and releases it",
    async play(setup) {
      setup.setMarket(false);
      await setup.pass(70 * second);
      await runs(setup, 30 * second, "guest");
      await setup.pass(3 * minute);
      setup.setMarket(true);
      await setup.pass(25 * second);
      setup.letRivalTry();
    },
  },
  {
    name: "it was running before the service was",
    startedBefore: true,
    play: async (setup) => setup.letRivalTry(),
  },
];

describe.each(cases)("a legacy bot: $name", ({ play, startedBefore = false, onlyReleases }) => {
  async function bothTradedMs(legacyBots: boolean): Promise<number> {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = setup.start("A", { startedBefore });
    await setup.pass(30 * second);
    await play(setup, bot);
    await setup.pass(10 * minute);
    return setup.bothTradedMs();
  }

  test("with legacyBots no two devices trade", async () => {
    expect(await bothTradedMs(true)).toBeLessThanOrEqual(roundTripMs);
  });

  const doThey = onlyReleases ? "none do either" : "they do";
  test(`without legacyBots the owner's contract stands, and ${doThey}`, async () => {
    if (onlyReleases) expect(await bothTradedMs(false)).toBe(0);
    else expect(await bothTradedMs(false)).toBeGreaterThan(minute);
  });
});

/** What an address answers in the gap of a move, what `check-address` says, and for how long a bot trades. */
test.for<[answer: number | "nothing", says: RegExp, tradesForMs: number]>([
  ["nothing", /^running bots carry on$/, Number.POSITIVE_INFINITY],
  [500, /^running bots carry on$/, Number.POSITIVE_INFINITY],
  [503, /^running bots carry on$/, Number.POSITIVE_INFINITY],
  [403, /^ENDS running bots/, 20 * second],
  [401, /^STOPS running bots/, 5 * minute],
])(
  "an address that answers %s is to a legacy bot what check-address says",
  async ([answer, says, tradesForMs]) => {
    const text = "<html>This web app is stopped.</html>";
    await using address = await addressThat((request, response) => {
      if (answer === "nothing") request.destroy();
      else response.writeHead(answer).end(text);
    });
    expect((await askAddress(address.url, "/api/heartbeat")).effect).toMatch(says);

    const setup = await setUpLegacyBot({ legacyBots: true });
    const bot = setup.start("A");
    await setup.pass(1 * second);
    setup.setAnswer(answer === "nothing" ? answer : { status: answer, text });
    await setup.pass(Math.min(tradesForMs, 10 * minute) - 2 * second);
    expect(bot.trading()).toBe(true);
    await setup.pass(3 * second);
    expect(bot.trading()).toBe(tradesForMs > 10 * minute);
  },
);

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
  test.each([
    ["stops within one beat with legacyBots", true, 21 * second],
    ["trades on without it", false, 5 * minute],
  ])("%s", async (_does, legacyBots, withinMs) => {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = await running(setup);
    setup.remove("*");
    end(setup);
    await setup.pass(withinMs);
    expect(bot.trading()).toBe(!legacyBots);
  });
});

describe.each([true, false])("with legacyBots %s, a legacy bot", (legacyBots) => {
  test("opens no trade in the last hour of its license, nor in the one before", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = await running(setup);
    for (const hours of [2.5, 1.5, 0.5]) {
      setup.set("license_expiration", { N: `${setup.nowMs() + hours * 60 * minute}` });
      await setup.pass(21 * second);
      expect(bot.opensTrades()).toBe(hours > 2);
    }
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

  test("that is alone trades on beside a session that was just left to lapse", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    const laptop = await running(setup);
    await setup.whileAsleep(laptop, async () => {
      await setup.pass(2 * minute);
      expect(await runs(setup, 50 * second, "B")).toBe(true);
      await setup.pass(6 * second);
    });
    await setup.pass(2 * minute);
    expect(laptop.trading()).toBe(true);
    expect(await mayStart(setup)).toBe(!legacyBots);
  });

  test.for([
    ["another device", 20, "C", "ES"],
    ["on the only seat another program of the same device", 1, "A", undefined],
  ] as const)(
    `once single copies are closed properly again after a crash, %s ${legacyBots ? "comes in at once" : "waits as ever"}`,
    async ([, maxSessions, device, symbol]) => {
      const setup = await setUpLegacyBot({ legacyBots, maxSessions });
      setup.start("A", { symbol: "ES" });
      await setup.pass(30 * second);
      setup.kill("A");
      await setup.pass(90 * second);
      // The copy that crashed might live: this session is marked, and left to lapse.
      await runs(setup, 5 * minute, "A", { symbol: "ES" });
      await setup.pass(1 * second);
      expect(await mayStart(setup, device, { symbol })).toBe(false);
      await setup.pass(6 * minute);
      for (let day = 1; day <= 3; day++) {
        expect(await runs(setup, 5 * minute, "A", { symbol: "ES" })).toBe(true);
        await setup.pass(day < 3 ? 2 * minute : 1 * second);
      }
      expect(await mayStart(setup, device, { symbol })).toBe(legacyBots);
    },
  );

  test.for([
    ["stays ended", 20, undefined],
    ["comes back by itself, once another device came and left", 20, {}],
    ["comes back by itself, once its seat was displaced", 1, { symbol: "NQ" }],
  ] as const)(
    "whose session an operator ended in the market's break: %s",
    async ([, maxSessions, guest]) => {
      const setup = await setUpLegacyBot({ legacyBots, maxSessions });
      const bot = await running(setup);
      setup.setMarket(false);
      await setup.pass(1 * minute);
      await setup.endSession("*", { now: true });
      if (guest) expect(await mayStart(setup, "B", guest)).toBe(true);
      await setup.pass(4 * minute);
      setup.setMarket(true);
      await setup.pass(30 * second);
      const comesBack = guest !== undefined;
      expect(bot.trading()).toBe(!legacyBots || comesBack);
      expect(await mayStart(setup)).toBe(!legacyBots || !comesBack);
    },
  );

  test("that is refused in the market's break stays as a process, which later claims without trading", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = await running(setup);
    setup.setMarket(false);
    await setup.pass(4 * minute);
    await runs(setup, 40 * second, "B");
    setup.setMarket(true);
    await setup.pass(3 * minute);
    expect(bot.trading()).toBe(!legacyBots);
    expect(await mayStart(setup)).toBe(!legacyBots);
  });

  test("that was cut off for 300 s shares the session of a copy that is not marked: its close ends it", async () => {
    const setup = await setUpLegacyBot({ legacyBots });
    const bot = await running(setup);
    await runs(setup, 3 * minute, "device-of-the-bot");
    let unmarked: LegacyBot | undefined;
    await setup.whileAsleep(bot, async () => {
      await setup.pass(5 * minute);
      unmarked = setup.start("device-of-the-bot");
      await setup.pass(3 * minute);
    });
    await setup.pass(1 * minute);
    expect([bot.trading(), unmarked?.trading()]).toEqual([true, true]);
    setup.letRivalTry();
    void unmarked?.close();
    await setup.pass(10 * minute);
    expect(bot.trading()).toBe(!legacyBots);
    expect(setup.bothTradedMs()).toBeLessThanOrEqual(legacyBots ? 20 * second + roundTripMs : 0);
    expect(setup.bothTradedMs() > 0).toBe(legacyBots);
  });

  test("with a symbol and one without, on one key, are two sessions on two seats", async () => {
    for (const [maxSessions, both] of [
      [2, true],
      [1, false],
    ] as const) {
      const setup = await setUpLegacyBot({ legacyBots, maxSessions });
      const bot = await running(setup);
      expect(await mayStart(setup, "B", { symbol: "ES" })).toBe(both);
      expect(bot.trading()).toBe(true);
    }
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

/** Whether a bot that is started now, and closed again, is let in. */
function mayStart(setup: LegacyBotSetup, device = "C", identity: Partial<LegacyBotIdentity> = {}) {
  return runs(setup, 1 * second, device, identity);
}

/** Whether a bot that is started now trades after that time, when it is closed. */
async function runs(
  setup: LegacyBotSetup,
  forMs: number,
  device: string,
  identity: Partial<LegacyBotIdentity> = {},
): Promise<boolean> {
  const bot = setup.start(device, identity);
  await setup.pass(forMs);
  const isTrading = bot.trading();
  void bot.close();
  return isTrading;
}

async function addressThat(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
