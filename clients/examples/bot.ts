/**
 * A bot for one symbol. Asked for its session by another device, it closes its position and releases:
 *
 *   npx node clients/examples/bot.ts http://127.0.0.1:3000 DEMO-DEMO-DEMO-DEMO desktop-7f3a9c
 *
 * A last word `ask` asks the device that holds the session; `keep` keeps it when asked.
 */
import { setTimeout as wait } from "node:timers/promises";
// In a program of your own: from "license-session".
import { checkSession, openSession, type ReleaseRequest } from "../typescript/open-session.ts";

const [, , url = "", licenseKey = "", deviceFingerprint = "", word] = process.argv;
const bot = { url, licenseKey, deviceFingerprint, symbol: "ES" };
const asked: ReleaseRequest[] = [];
const stopped: string[] = [];
const stop = (signal: string) => stopped.push(signal);
let position = 0;

for (let reason = "lost"; reason === "lost"; ) {
  const session = await openSession({
    ...bot,
    askHolder: word === "ask",
    openWithinMs: Infinity,
    waitWithinMs: Infinity,
    releaseAtExit: false, // At Ctrl-C the position is closed before the session is released.
    report: () => ({ status: position ? "long" : "flat" }),
    onStatus: (status) => status.state !== "held" && console.log(JSON.stringify(status)),
    onReleaseRequest: (by) => (word === "keep" ? session.keep() : asked.push(by)),
  });
  process.on("SIGINT", stop).on("SIGTERM", stop);
  console.log(`held; ask the broker what is open: by this bot's account ${position}`);
  for (let order = 1; !(session.signal.aborted || stopped[0] || asked[0]); await wait(1_000)) {
    if (!session.held) continue; // After sleep, until the service has answered.
    position = 1 - position;
    console.log(`${position ? "buy" : "sell"} ES-${session.fencingToken}-${order++}`);
  }
  if (!session.signal.aborted) {
    console.log(`closing a position of ${position}`);
    position = 0;
    console.log(`${await session.release()}${asked[0] ? `, for ${asked[0].device}` : ""}`);
  }
  process.off("SIGINT", stop).off("SIGTERM", stop);
  ({ reason } = session.signal.reason);
  // Nobody closes it, and another device may trade by now.
  if (position) console.log(`${reason}: a position of ${position} stays open at the broker`);
}
// Who claims first after a release has the session: the device that asked, unless another is faster.
for (let second = 0; asked[0] && second < 60; second++) {
  await wait(1_000);
  const check = await checkSession(bot);
  if (check.available) continue;
  console.log(`the session went to ${check.activeDevice}`);
  break;
}
