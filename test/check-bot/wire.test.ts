import { describe, expect, test } from "vitest";
import type { Exchange } from "../../check-bot/record.ts";
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

const named = { run_id: "0123456789abcdef", claim_number: 1 };
const lease = { timeoutSeconds: 6, heldForSeconds: 5, intervalSeconds: 2 };

/** Sessions under a clock that stands still until it is set. */
function sessionsAt() {
  const time = { nowMs: 0 };
  return { time, sessions: createSessions(lease, () => time.nowMs) };
}

/** What the contract has against an answer: nothing if one of its answers fits. */
function problemsOf(route: DocumentedRoute, { status, fields }: ServiceAnswer): unknown {
  const documented = route.answers.filter(
    (answer) => answer.status === status && codesOf(answer).includes(String(fields.code)),
  );
  if (documented.length === 0) return `the contract has no ${status} ${fields.code}`;
  const problems = documented.map(({ schema }) => schema.safeParse(fields).error?.issues ?? []);
  return problems.some(({ length }) => length === 0) ? [] : problems;
}

describe("what check-bot answers is what the contract says:", () => {
  test("a granted claim, its heartbeat and its release", () => {
    const { sessions } = sessionsAt();
    const granted = sessions.handle("claim", named);
    expect(problemsOf(claimRoute, granted)).toEqual([]);
    const session = { session_id: granted.fields.session_id };
    const recorded = sessions.handle("heartbeat", session);
    expect(recorded.fields.code).toBe("recorded");
    expect(problemsOf(heartbeatRoute, recorded)).toEqual([]);
    const released = sessions.handle("release", session);
    expect(released.fields.code).toBe("released");
    expect(problemsOf(releaseRoute, released)).toEqual([]);
    const again = sessions.handle("release", session);
    expect(again.fields.code).toBe("not_held");
    expect(problemsOf(releaseRoute, again)).toEqual([]);
  });

  test("a late attempt of an opening that was replaced, and the heartbeat of what it replaced", () => {
    const { sessions } = sessionsAt();
    const first = sessions.handle("claim", named);
    sessions.handle("claim", { ...named, claim_number: 2 });
    const late = sessions.handle("claim", named);
    expect(late.fields.code).toBe("claim_late");
    expect(problemsOf(claimRoute, late)).toEqual([]);
    const replaced = sessions.handle("heartbeat", { session_id: first.fields.session_id });
    expect(replaced.fields.code).toBe("session_replaced");
    expect(problemsOf(heartbeatRoute, replaced)).toEqual([]);
  });

  test.for(["session_conflict", "session_limit"])("a claim refused by %s", async (code) => {
    expect(problemsOf(claimRoute, await answerOf("claim", replies.inUse(3, code)))).toEqual([]);
  });

  test("a failure of the service", async () => {
    const failed = replies.internalError;
    expect(problemsOf(claimRoute, await answerOf("claim", failed))).toEqual([]);
    expect(problemsOf(heartbeatRoute, await answerOf("heartbeat", failed))).toEqual([]);
    expect(problemsOf(releaseRoute, await answerOf("release", failed))).toEqual([]);
  });

  test("heartbeats that are refused without another session in the way", () => {
    for (const code of ["session_not_found", "heartbeat_late"]) {
      expect(problemsOf(heartbeatRoute, refusal(code, false))).toEqual([]);
    }
  });

  async function answerOf(route: Exchange["route"], reply: Reply): Promise<ServiceAnswer> {
    const usual = () => ({ send: "nothing" }) as const;
    const exchange: Exchange = { program: 0, route, askedAtMs: 0, sent: {} };
    const answer = await reply(usual, exchange);
    if (answer.send !== "answer") throw new Error(`no answer: ${answer.send}`);
    return answer;
  }
});

describe("check-bot keeps sessions as the service does:", () => {
  test("a repeated attempt of an opening finds the session that it was granted", () => {
    const { sessions } = sessionsAt();
    const [first, second] = [sessions.handle("claim", named), sessions.handle("claim", named)];
    expect(second.fields.session_id).toBe(first.fields.session_id);
    expect(second.fields.fencing_token).toBe(first.fields.fencing_token);
  });

  test("an attempt that arrives after the session was confirmed is late, and harms nobody", () => {
    const { sessions } = sessionsAt();
    const granted = sessions.handle("claim", named);
    const session = { session_id: granted.fields.session_id };
    sessions.handle("heartbeat", session);
    expect(sessions.handle("claim", named).fields.code).toBe("claim_late");
    expect(sessions.handle("heartbeat", session).fields.code).toBe("recorded");
  });

  test("a claim under another run replaces a live session, or is refused with only_if_free", () => {
    const { sessions } = sessionsAt();
    const other = { run_id: "fedcba9876543210", claim_number: 1 };
    sessions.handle("claim", named);
    const kept = sessions.handle("claim", { ...other, only_if_free: true });
    expect(kept.fields.code).toBe("session_conflict");
    expect(sessions.handle("claim", other).fields.code).toBe("granted");
  });

  test("a claim without a run never replaces a session that was named", () => {
    const { sessions, time } = sessionsAt();
    sessions.handle("claim", named);
    expect(sessions.handle("claim", {}).fields.code).toBe("session_conflict");
    time.nowMs = 6_000;
    expect(sessions.handle("claim", {}).fields.code).toBe("granted");
  });

  test("a heartbeat or a release that names nothing leaves a named session alone", () => {
    const { sessions } = sessionsAt();
    const granted = sessions.handle("claim", named);
    expect(sessions.handle("heartbeat", {}).fields.code).toBe("session_replaced");
    expect(sessions.handle("release", {}).fields.code).toBe("not_held");
    expect(sessions.currentId()).toBe(granted.fields.session_id);
  });

  test("a lapsed session that nobody has taken is revived by its heartbeat", () => {
    const { sessions, time } = sessionsAt();
    const granted = sessions.handle("claim", named);
    time.nowMs = 60_000;
    const session = { session_id: granted.fields.session_id };
    expect(sessions.handle("heartbeat", session).fields.code).toBe("recorded");
  });
});
