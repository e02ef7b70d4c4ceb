/**
 * A bot of the kind deployed before this service, modelled on observed behaviour. It reads only the
 * bodies of 200 and 403, names no session, claims once, and keeps trading through any failure.
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
export type LegacyBotGround = {
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
const bareHeartbeatEveryMs = 300_000;
const answerWithinMs = 5_000;
const lateReleaseAfterMs = 60_000;

export function startLegacyBot(context: LegacyBotGround, identity: LegacyBotIdentity): LegacyBot {
  const { licenseKey, deviceFingerprint, symbol, startedBefore = false } = identity;
  const caller = { license_key: licenseKey, device_fingerprint: deviceFingerprint, symbol };
  let trading = startedBefore;
  let closed = false;
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
      stop(reply?.body.message);
    }
  }

  async function run(): Promise<void> {
    await Promise.all([
      beat(heartbeatEveryMs, () => context.isMarketOpen(), {
        bot_version: "1.4",
        status: "running",
        metadata: { positions: 0 },
      }),
      beat(bareHeartbeatEveryMs, () => true, {}),
    ]);
  }

  async function beat(everyMs: number, isDue: () => boolean, report: object): Promise<void> {
    for (;;) {
      await context.pause(everyMs);
      if (!trading) return;
      if (!isDue()) continue;
      const reply = await context.post("api/heartbeat", { ...caller, ...report }, answerWithinMs);
      if (trading && reply) obey(reply);
    }
  }

  function obey({ status, body }: LegacyBotReply): void {
    const message = String(body.message ?? "");
    if (status === 200) {
      const hours = body.hours_until_expiration;
      opensTrades = !(typeof hours === "number" && hours > 0 && hours <= 2);
    } else if (status === 403) {
      if (body.license_valid === false) stop(message);
      else if (body.session_conflict) stop("The license is in use on another device.");
      else if (/expir/i.test(message)) stop(message);
    }
  }

  function stop(words: unknown): void {
    trading = false;
    lastWords = String(words ?? "");
  }

  async function release(): Promise<void> {
    await context.post("api/session/release", caller, answerWithinMs);
  }
}
