// A bot with the TypeScript client, for check-bot. A session that is lost, and taken by nobody, is opened anew.
import { env } from "node:process";
import { openSession, SessionEnded } from "../../../clients/typescript/open-session.ts";

const { LICENSE_URL = "", LICENSE_KEY = "", DEVICE_FINGERPRINT = "", SYMBOL } = env;

let lost = true;
while (lost) {
  const session = await openSession({
    url: LICENSE_URL,
    licenseKey: LICENSE_KEY,
    deviceFingerprint: DEVICE_FINGERPRINT,
    symbol: SYMBOL,
    waitWithinMs: 20_000,
  });
  while (!session.signal.aborted) {
    if (session.held) console.log("TRADE");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const end: unknown = session.signal.reason;
  lost = end instanceof SessionEnded && end.reason === "lost";
  console.log(String(end));
}
