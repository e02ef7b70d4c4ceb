import { expect, test } from "vitest";
import type { ClaimAnswer, Trouble } from "../../clients/typescript/answers.ts";
import {
  advanceClaim,
  type Claiming,
  type ClaimingEvent,
  type ClaimingOptions,
  startClaiming,
} from "../../clients/typescript/claiming-state.ts";
import {
  LicenseRefused,
  type RefusalFacts,
  SessionRefused,
} from "../../clients/typescript/errors.ts";
import type { SessionStatus } from "../../clients/typescript/session.ts";

const name = { runId: "run", claimNumber: 1 };
const grant: ClaimAnswer = {
  kind: "granted",
  sessionId: "s-1",
  fencingToken: 1,
  sessionTimeoutMs: 60_000,
  heartbeatIntervalMs: 20_000,
  heldForMs: 55_000,
  license: { type: "pro", expiresAt: undefined, activeSymbols: [] },
};
const trouble = (problem: string, more: Partial<Trouble> = {}): ClaimAnswer => {
  return { kind: "trouble", problem, ...more };
};
const unanswered = trouble("no_answer_in_time");
const refused = (facts: RefusalFacts = {}, code: SessionRefused["code"] = "session_conflict") => {
  return { kind: "refused", error: new SessionRefused(code, "held", facts) } as const;
};
const asked = refused({ holderAsked: true });
const told = refused({ holderTold: true });
const late = refused({}, "claim_late");
const unknown: ClaimAnswer = {
  kind: "refused",
  error: new LicenseRefused("license_unknown", "unknown"),
};
const [es, nq] = [{ symbol: "ES" }, { symbol: "NQ" }];
const waiting = { waitWithinMs: 600_000 };
const asking = { ...waiting, askHolder: true };

type Event = [atMs: number, ClaimAnswer | "rested" | "aborted"];
type Outcome = Record<string, unknown>;

/** An opening that began at 0 and was asked at once; each answer is to an attempt of that moment. */
function after(options: ClaimingOptions, events: readonly Event[]) {
  let claiming: Claiming = startClaiming(name, options, 0);
  let status: SessionStatus | undefined;
  for (const [nowMs, what] of events) {
    const at = { nowMs, wallMs: nowMs };
    const sent = { nowMs: 0, wallMs: 0 };
    const event: ClaimingEvent =
      typeof what === "object"
        ? { kind: "answered", outcome: what, sent }
        : what === "rested"
          ? { kind: "rested" }
          : { kind: "aborted", reason: "of the program" };
    ({ claiming, status } = advanceClaim(claiming, event, { options, at, random: 0.5 }));
  }
  return { ...claiming, status };
}

test.for<[what: string, ClaimingOptions, Event[], Outcome]>([
  ["begins with an attempt", {}, [], { phase: "claiming", mayBeGranted: false, giveUpMs: 30_000 }],
  ["is granted", {}, [[100, grant]], { phase: "granted", granted: grant, sent: { nowMs: 0 } }],
  ["is granted while a moment of the right is left", {}, [[54_999, grant]], { phase: "granted" }],
  [
    "tries again after a grant whose right is over, which may stand",
    { openWithinMs: Infinity },
    [[55_000, grant]],
    { ...resting(55_750, "no_answer_in_time"), mayBeGranted: true, unanswered: 1 },
  ],
  [
    "takes a check's answer for trouble",
    {},
    [[0, { ...grant, kind: "available" }]],
    resting(750, "available"),
  ],
  ["tries again after trouble", {}, [[0, trouble("ECONNRESET")]], resting(750, "ECONNRESET")],
  [
    "keeps its end after a rest",
    {},
    [
      [0, trouble("x")],
      [750, "rested"],
    ],
    { phase: "claiming", giveUpMs: 30_000 },
  ],
  [
    "rests longer after each trouble",
    {},
    [
      [0, trouble("x")],
      [0, trouble("y")],
    ],
    resting(1_500, "y"),
  ],
  [
    "rests no longer than a fifth of the interval",
    {},
    Array(9).fill([0, trouble("x")]),
    resting(3_000, "x"),
  ],
  [
    "rests as long as an answer says",
    {},
    [[0, trouble("x", { retryAfterMs: 9_000 })]],
    resting(9_000, "x"),
  ],
  [
    "leaves time for an attempt, whatever an answer says",
    {},
    [[0, trouble("x", { retryAfterMs: 90_000 })]],
    resting(25_000, "x"),
  ],
  [
    "counts the attempts that were not answered",
    {},
    [
      [0, unanswered],
      [0, unanswered],
    ],
    { unanswered: 2 },
  ],
  [
    "counts them anew after an answer",
    {},
    [
      [0, unanswered],
      [0, trouble("x")],
    ],
    { unanswered: 0 },
  ],
  ["fails by what can't pass", {}, [[0, trouble("x", { lasting: true })]], unavailable("x")],
  [
    "tries as long as there is time",
    {},
    [[29_249, unanswered]],
    resting(29_999, "no_answer_in_time"),
  ],
  ["fails when no time is left", {}, [[29_250, unanswered]], unavailable("no_answer_in_time")],
  [
    "fails by what was answered last",
    {},
    [
      [0, trouble("x")],
      [29_250, unanswered],
    ],
    unavailable("x"),
  ],
  ["fails by a refusal", {}, [[0, refused()]], failed("session_conflict")],
  ["does not wait for a license", waiting, [[0, unknown]], failed("license_unknown")],
  ["does not wait if it came too late", waiting, [[0, late]], failed("claim_late")],
  [
    "does not wait for its own device",
    waiting,
    [[0, refused({ heldByThisDevice: true })]],
    failed("session_conflict"),
  ],
  [
    "does not wait for its own device, of several symbols",
    waiting,
    [[0, refused({ blocked: [es, { ...nq, heldByThisDevice: true }] })]],
    failed("session_conflict"),
  ],
  [
    "waits, and begins to count anew what is trouble",
    waiting,
    [
      [0, unanswered],
      [0, refused({ activeDevice: "lap..." })],
    ],
    {
      ...{ phase: "resting", untilMs: 5_000, failures: 0, unanswered: 0, mayBeGranted: true },
      asksHolder: false,
      status: { state: "waiting", code: "session_conflict", activeDevice: "lap..." },
    },
  ],
  [
    "has its whole time after a refusal",
    waiting,
    [
      [0, refused()],
      [5_000, "rested"],
    ],
    { phase: "claiming", giveUpMs: 35_000 },
  ],
  [
    "waits for a seat",
    waiting,
    [[0, refused({ waitSeconds: 9 }, "session_limit")]],
    { untilMs: 5_000, status: { state: "waiting", code: "session_limit", waitSeconds: 9 } },
  ],
  [
    "waits no longer than is named",
    waiting,
    [[0, refused({ waitSeconds: 2 })]],
    { untilMs: 2_000 },
  ],
  ["waits a second at least", waiting, [[0, refused({ waitSeconds: 0 })]], { untilMs: 1_000 }],
  [
    "waits to the end of its time",
    waiting,
    [[599_999, refused()]],
    { phase: "resting", untilMs: 600_000 },
  ],
  ["waits no longer than that", waiting, [[600_000, refused()]], failed("session_conflict")],
  [
    "asks the holder",
    asking,
    [[0, refused({ holderAsked: true })]],
    { asksHolder: true, askedMs: 0 },
  ],
  [
    "goes on asking as long as the holder was not told",
    asking,
    [
      [0, refused({ holderAsked: true })],
      [99_000, refused({ holderTold: false })],
    ],
    { asksHolder: true, askedMs: 0 },
  ],
  [
    "goes on asking as long as the request is remembered",
    asking,
    [
      [0, asked],
      [23_999, told],
    ],
    { asksHolder: true },
  ],
  [
    "does not ask again after that",
    asking,
    [
      [0, asked],
      [24_000, told],
    ],
    { asksHolder: false },
  ],
  [
    "counts that from the first answer that says the holder was asked",
    asking,
    [
      [0, refused({ holderAsked: false })],
      [10_000, asked],
      [20_000, asked],
      [33_999, told],
    ],
    { asksHolder: true, askedMs: 10_000 },
  ],
  [
    "does not ask again if each holder of several was told or keeps it",
    asking,
    [
      [0, asked],
      [
        24_000,
        refused({
          blocked: [
            { ...es, holderTold: true },
            { ...nq, holderKeeps: true },
          ],
        }),
      ],
    ],
    { asksHolder: false },
  ],
  [
    "asks nobody who keeps it, and says what it knows",
    asking,
    [
      [0, asked],
      [0, told],
      [0, refused({ holderKeeps: true })],
    ],
    {
      asksHolder: false,
      status: { state: "waiting", holderAsked: true, holderTold: true, holderKeeps: true },
    },
  ],
  [
    "asks while one holder of several was not told",
    asking,
    [
      [0, asked],
      [24_000, refused({ blocked: [{ ...es, holderTold: true }, nq] })],
    ],
    { asksHolder: true },
  ],
  [
    "is given up during an attempt",
    {},
    [[0, "aborted"]],
    { phase: "failed", error: "of the program", mayBeGranted: false },
  ],
  [
    "is given up during a rest, and may be granted all the same",
    {},
    [
      [0, unanswered],
      [0, "aborted"],
    ],
    { phase: "failed", error: "of the program", mayBeGranted: true },
  ],
])("an opening %s", ([, options, events, outcome]) => {
  expect(after(options, events)).toMatchObject(outcome);
});

function resting(untilMs: number, problem: string): Outcome {
  const status = { state: "opening", problem } as const;
  return { phase: "resting", refused: false, untilMs, mayBeGranted: true, status };
}

function failed(code: string): Outcome {
  return { phase: "failed", error: { code }, mayBeGranted: false, status: undefined };
}

function unavailable(problem: string): Outcome {
  return { ...failed("unavailable"), error: { code: "unavailable", problem }, mayBeGranted: true };
}
