import type { Case } from "../case.ts";
import { answers, takenBy } from "../replies.ts";
import type { Reply } from "../service.ts";

const section = "what-to-do-for-each-answer";

/** The license has ended: with 403 where the heartbeat was stored, with 500 where not. */
function licenseEnded(status: number, code: string): Reply {
  return answers(status, {
    status: "error",
    code,
    message: "The license has ended.",
    license_valid: false,
    session_conflict: false,
  });
}

const endings: Readonly<Record<string, { reply: Reply; what: string }>> = {
  taken: { reply: takenBy("session_taken"), what: "another device has taken the session" },
  replaced: {
    reply: takenBy("session_replaced"),
    what: "another process of this device has taken the session",
  },
  "ended-by-operator": {
    reply: takenBy("session_ended"),
    what: "an operator has ended the session",
  },
  "license-suspended": {
    reply: licenseEnded(403, "license_suspended"),
    what: "the license was suspended (a 403)",
  },
  "license-expired": {
    reply: licenseEnded(500, "license_expired"),
    what: "the license has expired (a 500)",
  },
};

export const endingCases: readonly Case[] = [
  ...Object.entries(endings).map(
    ([name, { reply, what }]): Case => ({
      name,
      section,
      shows: `stops at once, and claims nothing, when ${what}`,
      play: async (stage) => {
        await stage.open();
        stage.service.always(reply, "heartbeat");
        await stage.hasAsked("heartbeat", 1);
        await stage.wait(6);
      },
    }),
  ),
  {
    name: "session-not-found",
    section,
    shows: "stops when its session is gone; if it claims again, then under the next claim_number",
    play: async (stage) => {
      await stage.open();
      stage.service.sessions.forget();
      await stage.hasAsked("heartbeat", 1);
      await stage.wait(7);
      const claims = stage.record.exchanges.filter(({ route }) => route === "claim");
      const [first, second] = claims.map(({ sent }) => sent.claim_number);
      if (typeof first === "number" && second !== undefined && !(Number(second) > first)) {
        const text = `opened anew under claim_number ${second}; the last was ${first}`;
        stage.find("claim-number-wrong", text, claims[1]?.askedAtMs);
      }
    },
  },
];
