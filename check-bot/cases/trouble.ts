import type { Case } from "../case.ts";
import {
  answers,
  changed,
  internalError,
  lateBy,
  lost,
  page,
  reset,
  silent,
  withFields,
} from "../replies.ts";
import type { Reply } from "../service.ts";
import { refusal } from "../sessions.ts";
import type { Stage } from "../stage.ts";

/** Longer than the right of 5 s by enough to see a program that trades on. */
const longSeconds = 8.5;

/** Nothing of this confirms anything; a program stops with its right, and returns with the service. */
const confirmsNothing: Readonly<Record<string, { reply: Reply; what: string }>> = {
  "captive-portal": { what: "a 200 in HTML, of something else than the service", reply: page(200) },
  redirect: {
    what: "a redirect",
    reply: page(302, { location: "/sign-in" }, ""),
  },
  "created-201": {
    what: "a 201, whatever its body says",
    reply: changed((answer) => ({ ...answer, status: 201 })),
  },
  "unavailable-html": { what: "a 503 in HTML", reply: page(503) },
  "bare-500": { what: "a 500 without a body", reply: page(500, { "content-length": 0 }, "") },
  "connection-reset": { what: "a connection that is reset", reply: reset },
  "connection-hangs": { what: "a connection on which no answer comes", reply: silent },
  "answers-lost": { what: "a request whose answer is lost", reply: lost },
  "heartbeat-without-right": {
    what: "a 200 without a usable held_for_seconds",
    reply: withFields({ held_for_seconds: null }),
  },
};

export const troubleCases: readonly Case[] = [
  ...Object.entries(confirmsNothing).map(
    ([name, { reply, what }]): Case => ({
      name,
      section: /portal|redirect|201|html/.test(name) ? "only-this-service-grants" : "the-right",
      shows: `is confirmed by none of this: ${what}; and returns when the service does`,
      play: (stage) => troubleFor(stage, longSeconds, reply),
    }),
  ),
  {
    name: "internal-error",
    section: "trouble-on-the-way",
    shows: "keeps trading while storage fails for less than its right",
    play: (stage) => troubleFor(stage, 2, internalError, internalError, page(500, {}, "")),
  },
  {
    name: "bare-401-and-403",
    section: "only-this-service-grants",
    shows: "is ended by no 401 or 403 of something else than the service",
    play: (stage) => troubleFor(stage, 2, page(403), page(401)),
  },
  {
    name: "broken-body",
    section: "only-this-service-grants",
    shows: "survives answers that are cut off or garbled",
    play: (stage) => {
      const type = { "content-type": "application/json" };
      const cutOff = { ...type, "content-length": 400, connection: "close" };
      return troubleFor(
        stage,
        2.5,
        page(200, cutOff, '{"code":"recorded","held_for'),
        page(200, type, '{"code":"recorded","held_for_seconds":'),
        page(200, type, '["code"]'),
        page(200, type, ""),
      );
    },
  },
  {
    name: "huge-body",
    section: "only-this-service-grants",
    shows: "survives an answer of 32 MiB",
    play: async (stage) => {
      await stage.open();
      stage.service.next("heartbeat", () => ({ send: "flood", bytes: 32 * 2 ** 20 }));
      await stage.hasAsked("heartbeat", 2);
      await stage.tradesAgain(12, "did-not-return", "was confirmed again");
    },
  },
  {
    name: "heartbeat-answer-late",
    section: "the-right",
    shows: "counts from the sending of a heartbeat, not from its answer",
    play: async (stage) => {
      await stage.open();
      stage.service.next("heartbeat", lateBy(2));
      stage.service.always(internalError, "heartbeat");
      await stage.hasAsked("heartbeat", 1);
      await stage.wait(9);
    },
  },
  {
    name: "answer-doubled",
    section: "only-this-service-grants",
    shows: "takes an answer that comes twice for the answer to one request",
    play: async (stage) => {
      await stage.open();
      stage.service.next("heartbeat", (usual) => {
        const answer = usual();
        return answer.send === "answer" ? { ...answer, send: "twice" } : answer;
      });
      await stage.hasAsked("heartbeat", 1);
      stage.service.always(internalError, "heartbeat");
      await stage.wait(9);
      stage.service.usually("heartbeat");
      await stage.tradesAgain(12, "did-not-return", "was confirmed again");
    },
  },
  {
    name: "too-many-requests",
    section: "trouble-on-the-way",
    shows: "keeps trading at a 429, and sends nothing before Retry-After is over",
    play: async (stage) => {
      stage.service.sessions.changeLease({ timeoutSeconds: 15, heldForSeconds: 12 });
      await stage.open();
      const throttled: Reply = () => ({
        send: "answer",
        status: 429,
        fields: { message: "Too Many Requests" },
        headers: { "retry-after": "4" },
      });
      stage.service.next("heartbeat", throttled);
      await stage.hasAsked("heartbeat", 2);
      const beats = stage.record.exchanges.filter(({ route }) => route === "heartbeat");
      const at = beats.findIndex(({ answer }) => answer?.status === 429);
      const gap = ((beats[at + 1]?.askedAtMs ?? 0) - (beats[at]?.answer?.atMs ?? 0)) / 1_000;
      if (gap < 3.7) {
        const text = `sent the next heartbeat ${gap.toFixed(1)} s after a 429 with Retry-After: 4`;
        stage.find("ignored-retry-after", text, beats[at + 1]?.askedAtMs);
      }
      await stage.stillTradesAfter(3);
    },
  },
  {
    name: "heartbeat-late",
    section: "what-to-do-for-each-answer",
    shows: "takes heartbeat_late for neither a confirmation nor an end",
    play: (stage) => {
      const { status, fields } = refusal("heartbeat_late", false);
      return troubleFor(stage, 2, answers(status, fields));
    },
  },
  {
    name: "outage-short",
    section: "trouble-on-the-way",
    shows: "keeps trading while connections are refused for less than its right",
    play: (stage) => outageFor(stage, 2.2),
  },
  {
    name: "outage-long",
    section: "the-right",
    shows: "stops when connections are refused for longer than its right, and returns",
    play: (stage) => outageFor(stage, longSeconds),
  },
];

/** Heartbeats get these replies in turn, the last one again and again, for so long. */
async function troubleFor(stage: Stage, seconds: number, ...replies: Reply[]) {
  await stage.open();
  const last = replies.at(-1);
  if (last) stage.service.always(last, "heartbeat", "claim");
  stage.service.next("heartbeat", ...replies.slice(0, -1));
  await stage.hasAsked("heartbeat", 1);
  await stage.wait(seconds);
  stage.service.usually("heartbeat", "claim");
  await returns(stage);
}

async function outageFor(stage: Stage, seconds: number) {
  await stage.open();
  await stage.goAway();
  await stage.wait(seconds);
  await stage.comeBack();
  await returns(stage);
}

async function returns(stage: Stage) {
  await stage.tradesAgain(12, "did-not-return", "could have had its session again");
  await stage.stillTradesAfter(2.5);
}
