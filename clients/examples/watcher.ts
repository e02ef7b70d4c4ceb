/**
 * Prints every 20 s whether a bot lives, and claims nothing:
 *
 *   npx node clients/examples/watcher.ts http://127.0.0.1:3000 DEMO-DEMO-DEMO-DEMO
 */
import { setTimeout as wait } from "node:timers/promises";
// In a program of your own: from "license-session".
import { checkSession, ServiceUnavailable } from "../typescript/open-session.ts";

const [, , url = "", licenseKey = "", seconds = 20] = process.argv;

for (;;) {
  console.log(`${new Date().toISOString()} ${await news()}`);
  await wait(Number(seconds) * 1_000);
}

async function news(): Promise<string> {
  try {
    const bot = { url, licenseKey, deviceFingerprint: "watcher", symbol: "ES" };
    const check = await checkSession({ ...bot, openWithinMs: 10_000 });
    // A bot that died keeps its session for 60 s, and then its positions are still open.
    if (check.available) return "nobody holds the session: the bot was stopped, or it died";
    if (!check.holder) return check.message;
    const { device, lastHeartbeatSecondsAgo, status } = check.holder;
    return `${device} beat ${lastHeartbeatSecondsAgo} s ago${status ? `: ${status}` : ""}`;
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) throw error;
    return `no answer (${error.problem}): the bot may live, but can't trade for long`;
  }
}
