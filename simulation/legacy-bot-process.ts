import { fieldsOf } from "./checker.ts";
import { type LegacyBotReply, startLegacyBot } from "./legacy-bot.ts";
import { type Life, processOf } from "./process-of.ts";
import type { ProgramParts } from "./program.ts";
import { routes } from "./simulated-service.ts";

/**
 * A legacy bot as a process of the world. It has the right that a confirmed request gives, although
 * it does not know how long that lasts: it goes on trading without answers, which the guarantee does
 * not cover.
 */
export function startLegacyBotProcess(parts: ProgramParts, life: Life): Promise<void> {
  const { context, license, onState } = parts;
  const { scheduler, choices } = context;
  const { name, device, lastsMs } = life;
  const symbol = life.symbols?.[0];
  const process = processOf(parts, life, "legacy");
  const { pause } = process;
  const marketOpensMs = choices.number(`${name} market`) < 0.3 ? 120_000 : 0;
  const beganMs = scheduler.nowMs();

  process.begin();
  context.note(name, () => `starts on ${device.name}, a legacy bot, for ${symbol ?? "*"}`);
  const bot = startLegacyBot(
    {
      pause,
      isMarketOpen: () => scheduler.nowMs() - beganMs > marketOpensMs,
      post,
    },
    {
      licenseKey: license.key,
      deviceFingerprint: device.name,
      symbol,
      ...(life.startedBefore && { startedBefore: true }),
    },
  );
  const belief = { symbols: process.symbols, token: undefined };
  process.believes = () =>
    bot.trading() && scheduler.nowMs() < process.confirmedUntilMs ? belief : undefined;
  onState(process, "legacy bot");

  return pause(lastsMs).then(async () => {
    if (context.happens("crash", name)) context.note(name, () => "crashes");
    else {
      context.note(name, () => "is closed");
      process.releases = true;
      await bot.close();
    }
    process.leave();
  });

  async function post(
    path: string,
    body: object,
    withinMs: number,
  ): Promise<LegacyBotReply | undefined> {
    const route = routes[path];
    if (!route) throw new Error(`A legacy bot asked for ${path}`);
    const received = await process.ask(route, body, withinMs);
    if (!received || "problem" in received) return undefined;
    return { status: received.status, body: fieldsOf(received.text) };
  }
}
