import { fieldsOf } from "./checker.ts";
import { type Life, processOf } from "./process-of.ts";
import type { ProgramParts } from "./program.ts";
import type { RouteName } from "./simulated-service.ts";

const answerWithinMs = 5_000;

/**
 * A bot that somebody wrote from the page for authors alone: it notes the time, sends, and adds the
 * `held_for_seconds` of the answer. Its one clock counts sleep, but not a pause of its virtual
 * machine, and nobody has told it of that.
 *
 * @returns resolves when the process has ended
 */
export function startNaiveBot(parts: ProgramParts, life: Life): Promise<void> {
  const { context, license, onState, opened } = parts;
  const { scheduler, choices } = context;
  const { name, device, isOfSeveral, lastsMs } = life;
  const process = processOf(parts, life, "naive");
  const { actor, pause } = process;
  process.storedRun = parts.storedRunOf(device);
  const run = process.storedRun ?? `${name.replaceAll(/\W/g, "-")}-run-of-a-naive-bot`;
  // A claim for several symbols needs a run.
  const namesRun = isOfSeveral || choices.number(`${device.name} names its runs`) < 0.6;
  let caller = callerOfNow();
  const asksHolder = context.happens("asks the holder", name);
  const onlyIfFree = choices.number(`${name} only if free`) < 0.1;
  const crashes = context.happens("crash", name);
  const endsMs = scheduler.nowMs() + lastsMs;
  let finish = () => {};
  let claimNumber = 0;
  /** What it holds: until when, by its clock, and since when it was confirmed, by the world's. */
  let held:
    | { untilMs: number; sentMs: number; symbols: readonly string[]; token: number }
    | undefined;

  process.believes = () =>
    held && device.monotonicMs() < held.untilMs && held.sentMs >= device.pausedUntilMs
      ? held
      : undefined;
  process.begin();
  context.note(name, () => `starts on ${device.name}, a naive bot, for ${process.symbols}`);
  onState(process, "naive bot");
  if (crashes) scheduler.at(endsMs, undefined, () => void leave());
  return new Promise((resolve) => {
    finish = resolve;
    scheduler.after(0, actor, () => void live().then(leave));
  });

  function callerOfNow() {
    return {
      license_key: license.key,
      device_fingerprint: device.name,
      ...(isOfSeveral ? {} : { symbol: life.symbols?.[0] }),
    };
  }

  async function live(): Promise<void> {
    while (scheduler.nowMs() < endsMs) {
      const restsMs = await openAndKeep();
      if (restsMs === undefined) return;
      await pause(restsMs);
    }
  }

  /** How long to wait before the next opening; `undefined` to stop. */
  async function openAndKeep(): Promise<number | undefined> {
    // Each opening has the key of the moment: an operator may have given a new one.
    caller = callerOfNow();
    process.licenseId = license.id;
    const opening = namesRun ? { run_id: run, claim_number: ++claimNumber } : {};
    const claim = {
      ...caller,
      ...opening,
      ...(isOfSeveral && { symbols: life.symbols }),
      ...(asksHolder && { ask_holder: true }),
      ...(onlyIfFree && { only_if_free: true }),
    };
    for (let attempts = 1; scheduler.nowMs() < endsMs; attempts++) {
      const answer = await ask("claim", claim);
      const { code } = answer;
      if (code === "granted" && typeof answer.session_id === "string") {
        return keep(answer, answer.session_id);
      }
      if (code === "license_unknown" || code === "bad_request") return undefined;
      if (typeof code === "string" && code !== "internal_error") {
        onState(process, `refused: ${code}`);
        const waitMs = Math.max(1_000, Number(answer.estimated_wait_seconds ?? 20) * 1_000);
        return Math.min(waitMs, choices.spread(`${name} waits ${claimNumber}`, 1_000, 60_000));
      }
      await pause(Math.min(1_000 * attempts, 10_000));
    }
    return undefined;
  }

  async function keep(granted: Answer, sessionId: string): Promise<number | undefined> {
    const token = Number(granted.fencing_token);
    let symbols = process.symbols;
    let named: readonly string[] = life.symbols ?? [];
    process.sessionId = sessionId;
    process.grantedMs = scheduler.nowMs();
    renew(granted, symbols, token);
    opened(life);
    context.note(name, () => `is granted the session, token ${token}`);
    const everyMs = Number(granted.heartbeat_interval_seconds) * 1_000;
    let restMs = everyMs * (1 - 0.1 * choices.number(`${name} early`));
    for (;;) {
      await pause(Math.max(1, Math.min(restMs, endsMs - scheduler.nowMs())));
      if (scheduler.nowMs() >= endsMs) break;
      const body = { ...caller, session_id: sessionId, ...(isOfSeveral && { symbols: named }) };
      const answer = await ask("heartbeat", body);
      restMs = everyMs;
      if (answer.code === "recorded") {
        renew(answer, symbols, token);
      } else if (Array.isArray(answer.symbols_held) && answer.symbols_held.length > 0) {
        const kept = answer.symbols_held.map(String);
        named = kept;
        if (context.isOfManySymbols) symbols = kept;
        renew(answer, symbols, token);
      } else if (/^session_|^license_/.test(String(answer.code))) {
        held = undefined;
        onState(process, `told: ${answer.code}`);
        return answer.code === "session_not_found" ? 1_000 : undefined;
      } else {
        restMs = 1_000;
      }
    }
    held = undefined;
    process.endedForGood = true;
    const body = { ...caller, session_id: sessionId, ...(isOfSeveral && { symbols: named }) };
    for (let attempts = 1; attempts <= 2; attempts++) {
      const { code } = await ask("release", body);
      context.note(name, () => `releases and is answered ${code}`);
      if (code !== undefined && code !== "internal_error") return undefined;
    }
    return undefined;
  }

  function renew({ sent, held_for_seconds }: Answer, symbols: readonly string[], token: number) {
    held = {
      untilMs: sent.clockMs + Number(held_for_seconds ?? 0) * 1_000,
      sentMs: sent.atMs,
      symbols,
      token,
    };
  }

  /** Notes the time, and sends. No answer in 5 s counts as none. */
  async function ask(route: RouteName, body: object): Promise<Answer> {
    const sent = { clockMs: device.monotonicMs(), atMs: scheduler.nowMs() };
    const received = await process.ask(route, body, answerWithinMs);
    return { ...(received && "text" in received && fieldsOf(received.text)), sent };
  }

  function leave(): void {
    if (actor.dead) return;
    context.note(name, () => (crashes ? "crashes" : "is gone"));
    held = undefined;
    process.leave();
    finish();
  }
}

type Answer = Record<string, unknown> & { sent: { clockMs: number; atMs: number } };
