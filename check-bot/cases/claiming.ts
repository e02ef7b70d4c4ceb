import type { Case } from "../case.ts";
import {
  answers,
  internalError,
  inUse,
  lateBy,
  lost,
  page,
  reset,
  withFields,
} from "../replies.ts";
import type { Reply } from "../service.ts";
import { late } from "../sessions.ts";
import type { Stage } from "../stage.ts";

export const claimingCases: readonly Case[] = [
  {
    name: "claim-answer-lost",
    section: "claim",
    shows: "repeats a claim under the same run_id and claim_number",
    play: async (stage) => {
      stage.service.next("claim", lost);
      await stage.open();
      await stage.stillTradesAfter(5);
    },
  },
  {
    name: "claim-confirmed-at-third-attempt",
    section: "the-right",
    shows: "counts by held_for_seconds, from the sending of the attempt that was answered",
    play: async (stage) => {
      stage.service.sessions.changeLease({
        timeoutSeconds: 60,
        heldForSeconds: 3,
        intervalSeconds: 20,
      });
      stage.service.next("claim", lost, lost);
      stage.service.always(internalError, "heartbeat");
      await stage.open();
      await stage.wait(8);
    },
  },
  {
    name: "claim-slow",
    section: "claim",
    shows:
      "keeps a session whose first attempt reaches the service only after the second was granted",
    play: async (stage) => {
      let applyFirst = () => {};
      stage.service.next("claim", async (usual, exchange) => {
        exchange.fault = "on its way until after the next attempt";
        const applied = new Promise<void>((resolve) => {
          applyFirst = resolve;
          // A program that has not given up by then is answered.
          setTimeout(resolve, 11_000);
        });
        await applied;
        return usual();
      });
      await stage.start();
      await stage.hasAsked("claim", 1);
      await stage.tradesAgain(14, "did-not-open", "was alone; its first claim was slow");
      applyFirst();
      await stage.wait(6);
      await stage.tradesAgain(
        6,
        "stopped-with-right",
        "is alone, with a first claim that came late",
      );
    },
  },
  {
    name: "claim-answered-late",
    section: "the-right",
    shows: "counts from the sending of a claim, not from its answer",
    play: async (stage) => {
      stage.service.next("claim", lateBy(3));
      stage.service.always(internalError, "heartbeat");
      await stage.open();
      await stage.wait(6);
    },
  },
  {
    name: "in-use",
    section: "what-to-do-for-each-answer",
    shows:
      "does not trade while another device holds the session, and does not ask before the wait is over",
    play: (stage) => refusedFor(stage, 3, inUse(3)),
  },
  {
    name: "no-seat",
    section: "what-to-do-for-each-answer",
    shows: "does not trade while all seats are taken, and does not ask before the wait is over",
    play: (stage) => refusedFor(stage, 3, inUse(3, "session_limit")),
  },
  {
    name: "claim-late",
    section: "what-to-do-for-each-answer",
    shows: "takes a 409 for a refusal of this opening",
    play: (stage) => refusedAlways(stage, answers(409, late(30_000))),
  },
  {
    name: "license-unknown",
    section: "what-to-do-for-each-answer",
    shows: "neither trades nor claims again after a 401",
    play: (stage) => {
      const unknown = {
        code: "license_unknown",
        message: "There is no license with this key.",
        license_valid: false,
        session_conflict: false,
      };
      return refusedAlways(stage, answers(401, unknown));
    },
  },
  {
    name: "claim-to-captive-portal",
    section: "only-this-service-grants",
    shows: "is granted nothing by a 200 of something else, and opens once the service answers",
    play: async (stage) => {
      stage.service.next("claim", page(200), page(200));
      await stage.start();
      await stage.hasAsked("claim", 2);
      await stage.tradesAgain(12, "did-not-open", "got its claim through to the service");
      await stage.stillTradesAfter(6);
    },
  },
  {
    name: "claim-without-right",
    section: "the-right",
    shows: "is granted nothing by an answer without a usable held_for_seconds",
    play: async (stage) => {
      stage.service.always(withFields({ held_for_seconds: undefined }), "claim", "heartbeat");
      await stage.start();
      await stage.hasAsked("claim", 1);
      await stage.wait(2);
      stage.service.always(withFields({ held_for_seconds: null }), "claim", "heartbeat");
      await stage.wait(4);
    },
  },
  {
    name: "refused-connection-at-start",
    section: "trouble-on-the-way",
    shows: "opens although the first connections are refused",
    play: async (stage) => {
      await stage.startWithoutService();
      await stage.wait(3);
      await stage.comeBack();
      await stage.hasAsked("claim", 1);
      await stage.tradesAgain(6, "did-not-open", "was granted a session");
      await stage.stillTradesAfter(6);
    },
  },
  {
    name: "claim-reset",
    section: "trouble-on-the-way",
    shows: "opens although connections are reset, and one claim fails in the service",
    play: async (stage) => {
      stage.service.next("claim", reset, internalError);
      await stage.open();
      await stage.stillTradesAfter(6);
    },
  },
];

async function refusedAlways(stage: Stage, reply: Reply) {
  stage.service.always(reply, "claim");
  await stage.start();
  await stage.hasAsked("claim", 1);
  await stage.wait(6);
}

/** The first claim is refused with a wait. A program may wait and claim again, or exit. */
async function refusedFor(stage: Stage, seconds: number, reply: Reply) {
  stage.service.next("claim", reply);
  await stage.start();
  const [first] = await stage.hasAsked("claim", 1);
  await stage.wait(seconds + 8);
  const claims = stage.record.exchanges.filter(({ route }) => route === "claim");
  const gap = ((claims[1]?.askedAtMs ?? Number.NaN) - (first?.answer?.atMs ?? 0)) / 1_000;
  if (gap < seconds - 0.3) {
    stage.find(
      "claimed-too-early",
      `claimed again after ${gap.toFixed(1)} s; the wait that it was named is ${seconds} s`,
      claims[1]?.askedAtMs,
    );
  }
}
