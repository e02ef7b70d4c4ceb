import { expect, test } from "vitest";
import type { Exchange, Fields, Route } from "../../check-bot/record.ts";
import * as replies from "../../check-bot/replies.ts";
import type { Reply } from "../../check-bot/service.ts";
import { createSessions, refusal, type ServiceAnswer } from "../../check-bot/sessions.ts";
import {
  claimRoute,
  codesOf,
  type DocumentedRoute,
  heartbeatRoute,
  releaseRoute,
} from "../../contract/routes.ts";

const documented: Record<Route, DocumentedRoute> = {
  claim: claimRoute,
  heartbeat: heartbeatRoute,
  release: releaseRoute,
};

/** What the contract has against an answer: nothing if one of its answers fits. */
function problemsOf(route: Route, { status, fields }: ServiceAnswer): unknown {
  const answers = documented[route].answers.filter(
    (answer) => answer.status === status && codesOf(answer).includes(String(fields.code)),
  );
  if (answers.length === 0) return `the contract has no ${status} ${fields.code}`;
  const problems = answers.map(({ schema }) => schema.safeParse(fields).error?.issues ?? []);
  return problems.some(({ length }) => length === 0) ? [] : problems;
}

const named = { run_id: "0123456789abcdef", claim_number: 1 };
const other = { run_id: "fedcba9876543210", claim_number: 1 };

/** Heartbeats and releases of `grant` name the session that the claim of this number was granted. */
type Step = [route: Route, sent: Fields & { grant?: number }, code: string, atMs?: number];

test.for<[what: string, steps: Step[]]>([
  [
    "a session is granted, kept and released once",
    [
      ["claim", named, "granted"],
      ["heartbeat", { grant: 0 }, "recorded"],
      ["release", { grant: 0 }, "released"],
      ["release", { grant: 0 }, "not_held"],
    ],
  ],
  [
    "an attempt of an opening that was replaced is late, and the session that it was granted is over",
    [
      ["claim", named, "granted"],
      ["claim", { ...named, claim_number: 2 }, "granted"],
      ["claim", named, "claim_late"],
      ["heartbeat", { grant: 0 }, "session_replaced"],
    ],
  ],
  [
    "a repeated attempt of an opening finds the session that it was granted",
    [
      ["claim", named, "granted"],
      ["claim", named, "granted"],
      ["heartbeat", { grant: 0 }, "recorded"],
      ["heartbeat", { grant: 1 }, "recorded"],
    ],
  ],
  [
    "an attempt that arrives after the session was confirmed is late, and harms nobody",
    [
      ["claim", named, "granted"],
      ["heartbeat", { grant: 0 }, "recorded"],
      ["claim", named, "claim_late"],
      ["heartbeat", { grant: 0 }, "recorded"],
    ],
  ],
  [
    "a claim under another run replaces a live session, or is refused with only_if_free",
    [
      ["claim", named, "granted"],
      ["claim", { ...other, only_if_free: true }, "session_conflict"],
      ["claim", other, "granted"],
    ],
  ],
  [
    "a claim without a run never replaces a session that was named",
    [
      ["claim", named, "granted"],
      ["claim", {}, "session_conflict", 5_999],
      ["claim", {}, "granted", 6_000],
    ],
  ],
  [
    "a heartbeat or a release that names nothing leaves a named session alone",
    [
      ["claim", named, "granted"],
      ["heartbeat", {}, "session_replaced"],
      ["release", {}, "not_held"],
      ["heartbeat", { grant: 0 }, "recorded"],
    ],
  ],
  [
    "a lapsed session that nobody has taken is revived by its heartbeat",
    [
      ["claim", named, "granted"],
      ["heartbeat", { grant: 0 }, "recorded", 60_000],
    ],
  ],
])("check-bot keeps sessions as the service does, and answers by the contract: %s", ([, steps]) => {
  let nowMs = 0;
  const lease = { timeoutSeconds: 6, heldForSeconds: 5, intervalSeconds: 2 };
  const sessions = createSessions(lease, () => nowMs);
  const ids: unknown[] = [];
  for (const [route, { grant, ...sent }, code, atMs = 0] of steps) {
    nowMs = atMs;
    const session = grant === undefined ? {} : { session_id: ids[grant] };
    const answer = sessions.handle(route, { ...sent, ...session });
    expect(answer.fields.code).toBe(code);
    expect(problemsOf(route, answer)).toEqual([]);
    if (code === "granted") ids.push(answer.fields.session_id);
  }
});

test("so are the answers that a script puts in", async () => {
  for (const code of ["session_conflict", "session_limit"])
    expect(problemsOf("claim", await answerOf("claim", replies.inUse(3, code)))).toEqual([]);
  for (const route of ["claim", "heartbeat", "release"] as const)
    expect(problemsOf(route, await answerOf(route, replies.internalError))).toEqual([]);
  for (const code of ["session_not_found", "heartbeat_late"])
    expect(problemsOf("heartbeat", refusal(code, false))).toEqual([]);
});

async function answerOf(route: Route, reply: Reply): Promise<ServiceAnswer> {
  const usual = () => ({ send: "nothing" }) as const;
  const exchange: Exchange = { program: 0, route, askedAtMs: 0, sent: {} };
  const answer = await reply(usual, exchange);
  if (answer.send !== "answer") throw new Error(`no answer: ${answer.send}`);
  return answer;
}
