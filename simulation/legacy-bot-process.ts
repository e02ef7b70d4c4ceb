import { fieldsOf } from "./checker.ts";
import { type LegacyBotReply, startLegacyBot } from "./legacy-bot.ts";
import { type Life, processOf } from "./process-of.ts";
import type { ProgramParts } from "./program.ts";
import type { RouteName } from "./simulated-service.ts";

const routes: Record<string, RouteName> = {
  "api/validate-license": "claim",
  "api/heartbeat": "heartbeat",
  "api/session/release": "release",
};

/**
 * A legacy bot as a process of the world. It has the right that a confirmed request gives, although
 * it does not know how long that lasts: it goes on trading without answers, which the guarantee does
 * not cover.
 */
export function startLegacyBotProcess(
  { context, send, checker, license, onState, stackOf }: ProgramParts,
  life: Life,
): Promise<void> {
  const { scheduler, choices } = context;
  const { name, device, lastsMs } = life;
  const symbol = life.symbols?.[0];
  const process = processOf(context, life, "legacy", license.id);
  const { actor } = process;
  const stack = stackOf(name);
  const requests = { claim: 0, check: 0, heartbeat: 0, release: 0 };
  const marketOpensMs = choices.number(`${name} market`) < 0.3 ? 120_000 : 0;
  const beganMs = scheduler.nowMs();
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      scheduler.at(scheduler.nowMs() + ms, actor, resolve);
    });

  device.actors.add(actor);
  if (device.asleep) scheduler.holdUp(actor);
  checker.started(process);
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
    scheduler.kill(actor);
    device.actors.delete(actor);
    checker.gone(process);
  });

  function post(path: string, body: object, withinMs: number): Promise<LegacyBotReply | undefined> {
    const route = routes[path];
    if (!route) throw new Error(`A legacy bot asked for ${path}`);
    const request = `${name} ${route} ${++requests[route]}`;
    return new Promise((resolve) => {
      let settled = false;
      const settle = (reply: LegacyBotReply | undefined) => {
        if (settled) return;
        settled = true;
        resolve(reply);
      };
      scheduler.at(scheduler.nowMs() + withinMs, actor, () => settle(undefined));
      checker.sent(process, request);
      send(request, { device, actor, stack }, route, JSON.stringify(body), (received) => {
        if (settled) return;
        checker.received(process, request, route, received);
        const reply = "problem" in received ? undefined : received;
        settle(reply && { status: reply.status, body: fieldsOf(reply.text) });
      });
    });
  }
}
