import { randomBytes, randomInt } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { fieldsOf } from "../../simulation/checker.ts";
import { openChoices } from "../../simulation/choices.ts";
import {
  type LegacyBot,
  type LegacyBotIdentity,
  type LegacyBotReply,
  startLegacyBot,
} from "../../simulation/legacy-bot.ts";
import { createMemoryTable } from "../../simulation/memory-table.ts";
import { tableHandle } from "../../simulation/operators-table.ts";
import { type Actor, createActor, createScheduler } from "../../simulation/scheduler.ts";
import { createSimulatedService, type Reply, routes } from "../../simulation/simulated-service.ts";
import { loadSources } from "../../simulation/sources.ts";
import { withVirtualGlobals } from "../../simulation/virtual-globals.ts";
import type { WorldContext } from "../../simulation/world-context.ts";

const sources = await loadSources();
const epochMs = Date.UTC(2027, 0, 1);
const licenseKey = "FIELD-KEY";
/** The network delay in each direction. Functions take no time. */
const oneWayMs = 10;
const rivalTriesEveryMs = 1_000;

type AnswerInstead = Reply | "nothing";

export type LegacyBotSetup = Awaited<ReturnType<typeof setUpLegacyBot>>;

/**
 * A service with one license, a device with a legacy bot, and a rival device that can keep trying.
 */
export async function setUpLegacyBot({
  legacyBots,
  maxSessions = 20,
}: {
  legacyBots: boolean;
  maxSessions?: number;
}) {
  const scheduler = createScheduler();
  const ground: WorldContext = {
    scheduler,
    choices: openChoices({ seed: 1 }),
    epochMs,
    isOfManySymbols: true,
    clocks: { offMs: 0, drift: 0 },
    untilCalm: (ms) => ms,
    leftBehind: new Set(),
    happens: () => false,
    note() {},
  };
  const table = createMemoryTable(() => {});
  const deployment = {
    sessionTimeoutMs: 60_000,
    legacyBots,
    multiSymbolSessions: true,
    rules: "now" as const,
  };
  const stacks = { first: deployment, second: deployment };
  const service = createSimulatedService(ground, sources, table, stacks, () => {});
  const licenseId = licenseIdOf(licenseKey);
  let isMarketOpen = true;
  let answerInstead: AnswerInstead | undefined;
  const bots: { device: string; bot: LegacyBot; actor: Actor }[] = [];
  let bothTradedMs = 0;
  let lookedMs = 0;
  let deliveries = 0;

  table.put({
    license_id: { S: licenseId },
    status: { S: "active" },
    license_type: { S: "standard" },
    max_sessions: { N: `${maxSessions}` },
    fencing_token: { N: "0" },
    sessions: { M: {} },
  });

  function start(device: string, identity: Partial<LegacyBotIdentity> = {}): LegacyBot {
    const actor = createActor(device);
    const pause = (ms: number) => scheduler.pause(ms, actor);
    const post = (path: string, body: object, withinMs: number) =>
      new Promise<LegacyBotReply | undefined>((resolve) => {
        scheduler.after(withinMs, actor, () => resolve(undefined));
        scheduler.after(oneWayMs, undefined, () => {
          const answer = ({ status, text }: Reply) => {
            const reply = { status, body: fieldsOf(text) };
            scheduler.after(oneWayMs, actor, () => resolve(reply));
          };
          if (answerInstead === "nothing") return;
          if (answerInstead) {
            answer(answerInstead);
            return;
          }
          const route = routes[path] ?? "heartbeat";
          const name = `${++deliveries}`;
          service.receive(name, route, JSON.stringify(body), "first", answer);
        });
      });
    const bot = startLegacyBot(
      { pause, post, isMarketOpen: () => isMarketOpen },
      { licenseKey, deviceFingerprint: device, ...identity },
    );
    bots.push({ device, bot, actor });
    return bot;
  }

  /** From now on somebody tries, each second, to run a bot on the other device as well. */
  function letRivalTry(): void {
    let rival: LegacyBot | undefined;
    const tryAgain = () => {
      if (!rival || !(rival.trading() || rival.lastWords() === undefined)) {
        rival = start("device-of-a-rival");
      }
      scheduler.after(rivalTriesEveryMs, undefined, tryAgain);
    };
    scheduler.after(0, undefined, tryAgain);
  }

  function look(): boolean {
    const trading = new Set(
      bots.flatMap(({ device, bot, actor }) =>
        bot.trading() && actor.heldUp === 0 && !actor.dead ? [device] : [],
      ),
    );
    const nowMs = scheduler.nowMs();
    if (wereBothTrading) bothTradedMs += nowMs - lookedMs;
    wereBothTrading = isMarketOpen && trading.size > 1;
    lookedMs = nowMs;
    return true;
  }
  let wereBothTrading = false;

  function set(name: string, value: AttributeValue): void {
    table.put({ ...table.item(licenseId), [name]: value });
  }

  return {
    table,
    licenseId,
    start,
    letRivalTry,
    /** For how long, so far, bots on two devices traded at once. */
    bothTradedMs: () => bothTradedMs,
    async pass(ms: number) {
      const untilMs = scheduler.nowMs() + ms;
      const clock = () => epochMs + scheduler.nowMs();
      await withVirtualGlobals(
        scheduler,
        clock,
        { randomBytes, randomInt },
        () => {},
        () => scheduler.runUntil(untilMs, look),
      );
      look();
    },
    /** A device with all that runs on it, or one bot, does nothing while this happens. */
    async whileAsleep(who: string | LegacyBot, happens: () => Promise<void>) {
      const held = bots.filter(({ device, bot }) => device === who || bot === who);
      for (const { actor } of held) scheduler.holdUp(actor);
      look();
      await happens();
      for (const { actor } of held) scheduler.letRun(actor);
    },
    kill(device: string) {
      for (const { device: its, actor } of bots) if (its === device) scheduler.kill(actor);
    },
    setMarket(open: boolean) {
      isMarketOpen = open;
    },
    /** From now on this is the answer to every request, in place of the service's own. */
    setAnswer(answer: AnswerInstead | undefined) {
      answerInstead = answer;
    },
    /** As `license end-session` does it. */
    async endSession(symbol: string, options: { now?: boolean } = {}) {
      const handle = tableHandle(table);
      const seen = await sources.getLicense(handle, licenseId);
      if (!seen) throw new Error("There is no license");
      const note = { by: "ada@desk", atMs: epochMs + scheduler.nowMs() };
      const { code } = await sources.endSeenSession(handle, seen, symbol, options, note);
      if (code !== "ended") throw new Error(`The session was not ended: ${code}`);
    },
    set,
    remove(symbol: string) {
      const { [symbol]: _removed, ...left } = table.item(licenseId)?.sessions?.M ?? {};
      set("sessions", { M: left });
    },
    nowMs: () => epochMs + scheduler.nowMs(),
  };
}
