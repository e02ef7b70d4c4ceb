/**
 * A bot of the kind deployed before this service, modelled on observed behaviour. It reads only the
 * bodies of 200 and 403, names no session, claims once, and keeps trading through any failure. Any
 * 403 ends it, a page of a web server too, and a 401 to its check stops it from trading. Refused
 * while the market is closed, it stays as a process that never trades again and goes on with its
 * heartbeats.
 */
export type LegacyBot = {
  /** Whether it would trade now: from its start until it stops itself or is closed. */
  trading(): boolean;
  /** Whether it opens new trades: not in the last two hours of the license. */
  opensTrades(): boolean;
  /** What it printed when it stopped. */
  lastWords(): string | undefined;
  /** Closed by its user: it releases at once, and twice more a minute later. */
  close(): Promise<void>;
};

export type LegacyBotReply = { status: number; body: Record<string, unknown> };

/** The environment of the bot: time, and a network. */
type LegacyBotGround = {
  pause(ms: number): Promise<void>;
  /** `undefined` if there is no answer within that time. */
  post(path: string, body: object, withinMs: number): Promise<LegacyBotReply | undefined>;
  isMarketOpen(): boolean;
};

export type LegacyBotIdentity = {
  licenseKey: string;
  deviceFingerprint: string;
  symbol?: string | undefined;
  /** It was running before the service was: it has never claimed here. */
  startedBefore?: boolean;
};

const heartbeatEveryMs = 20_000;
const checkEveryMs = 300_000;
const answerWithinMs = 5_000;
const lateReleaseAfterMs = 60_000;

export function startLegacyBot(context: LegacyBotGround, identity: LegacyBotIdentity): LegacyBot {
  const { licenseKey, deviceFingerprint, symbol, startedBefore = false } = identity;
  const caller = { license_key: licenseKey, device_fingerprint: deviceFingerprint, symbol };
  let trading = startedBefore;
  let closed = false;
  let ended = false;
  let opensTrades = true;
  let lastWords: string | undefined;
  void (startedBefore ? run() : start());

  return {
    trading: () => trading,
    opensTrades: () => trading && opensTrades,
    lastWords: () => lastWords,
    async close() {
      if (closed) return;
      closed = true;
      ended = true;
      trading = false;
      await release();
      await context.pause(lateReleaseAfterMs);
      await release();
      await release();
    },
  };

  async function start(): Promise<void> {
    const reply = await context.post("api/validate-license", caller, 2 * answerWithinMs);
    if (closed) return;
    if (reply?.status === 200) {
      trading = true;
      await run();
    } else {
      lastWords = String(reply?.body.message ?? "");
    }
  }

  async function run(): Promise<void> {
    const report = { bot_version: "1.4", status: "running", metadata: { positions: 0 } };
    await Promise.all([
      repeat(heartbeatEveryMs, async () => {
        if (context.isMarketOpen()) obey(await beat(report));
      }),
      repeat(checkEveryMs, async () => {
        const reply = await beat({});
        if (reply?.status === 401) stop("The license could not be checked.");
        else obey(reply);
      }),
    ]);
  }

  async function repeat(everyMs: number, act: () => Promise<void>): Promise<void> {
    for (;;) {
      await context.pause(everyMs);
      if (ended) return;
      await act();
    }
  }

  function beat(report: object): Promise<LegacyBotReply | undefined> {
    return context.post("api/heartbeat", { ...caller, ...report }, answerWithinMs);
  }

  function obey(reply: LegacyBotReply | undefined): void {
    if (reply?.status === 200) {
      const hours = reply.body.hours_until_expiration;
      opensTrades = !(typeof hours === "number" && hours > 0 && hours <= 2);
    } else if (reply?.status === 403) {
      ended ||= context.isMarketOpen();
      stop(wordsOn(reply.body));
    }
  }

  function stop(words: unknown): void {
    if (!trading) return;
    trading = false;
    lastWords = String(words ?? "");
  }

  async function release(): Promise<void> {
    await context.post("api/session/release", caller, answerWithinMs);
  }
}

/** What it prints when it is refused while it runs: ours only where neither flag is there. */
function wordsOn({ license_valid, session_conflict, message }: LegacyBotReply["body"]): unknown {
  if (license_valid === false) return "The license is not valid any more.";
  if (session_conflict) return "The license is in use on another device.";
  return message;
}
