/** The same bot as `python/soak_bot.py`. */
import process, { argv } from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import {
  openSession,
  ServiceUnavailable,
  type Session,
  SessionRefused,
} from "../../clients/typescript/open-session.ts";

const [, , url = "", licenseKey = "", deviceFingerprint = ""] = argv;

const session = await turn();
process.once("SIGTERM", () => void session.release());
while (!session.signal.aborted) {
  const atMs = Date.now();
  if (session.held) console.log(JSON.stringify({ token: session.fencingToken, atMs }));
  await wait(10);
}
await session.release();

async function turn(): Promise<Session> {
  for (;;) {
    try {
      return await openSession({ url, licenseKey, deviceFingerprint });
    } catch (error) {
      if (!(error instanceof SessionRefused || error instanceof ServiceUnavailable)) throw error;
      await wait(50);
    }
  }
}
