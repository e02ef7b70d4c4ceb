/** A fault that existed once, or could. In each file, the one occurrence of `from` becomes `to`. */
export type KnownBug = {
  /** What goes wrong with it. */
  what: string;
  edits: readonly { file: string; from: string; to: string }[];
  /** Within how many worlds, counted from seed 1, the search finds it. */
  withinWorlds: number;
  /** A seed that finds it, and the promise that is broken then. */
  seed: number;
  rule: string;
  /** In worlds where programs live for seconds. */
  restless?: true;
};

const claim = "lambdas/rules/claim.ts";
const heartbeat = "lambdas/rules/heartbeat.ts";
const endSession = "lambdas/rules/end-session-update.ts";
const release = "lambdas/rules/release.ts";
const skew = "lambdas/store/clock-skew.ts";
const claimHandler = "lambdas/claim-handler.ts";
const clientClaim = "clients/typescript/claim-session.ts";
const clientAnswers = "clients/typescript/answers.ts";
const keeping = "clients/typescript/keeping-state.ts";
const writeRow = "ops/import/write-row.ts";

/** By the name that `npm run simulate -- --put-back` knows. */
export const knownBugs: Readonly<Record<string, KnownBug>> = {
  "late-heartbeat": {
    what: "A heartbeat that arrives late turns the timer and the end of the lease back.",
    edits: [
      {
        file: heartbeat,
        from: '"sessions.#symbol.last_heartbeat <= :last_heartbeat"',
        to: '"attribute_exists(sessions.#symbol)"',
      },
      {
        file: heartbeat,
        from: '"sessions.#symbol.lapses_at <= :lapses_at"',
        to: '"attribute_exists(sessions.#symbol)"',
      },
    ],
    withinWorlds: 50,
    seed: 13,
    rule: "a timer never runs backwards",
  },
  "time-out-changed": {
    what: "A shorter timeout is applied to sessions whose holders were told a longer one.",
    edits: [
      {
        file: claim,
        from: "entryCondition(request, way);",
        to: "entryCondition({ ...request, lapsedMs: time.nowMs - time.sessionTimeoutMs }, way);",
      },
      {
        file: claim,
        from: "`sessions.#symbol.lapses_at <= :now AND ${uncontested}`",
        to: "`sessions.#symbol.last_heartbeat <= :lapsed AND ${uncontested}`",
      },
      {
        file: claim,
        from: 'values: request.kind === "claim" ? {} : { ":device": request.deviceFingerprint },',
        to: 'values: { ...(request.kind !== "claim" && { ":device": request.deviceFingerprint }), ":lapsed": request.lapsedMs },',
      },
    ],
    withinWorlds: 400,
    seed: 152,
    rule: "one device at a time",
  },
  "claim-without-id": {
    what: "An attempt of a claim that arrives late takes the session from its own bot.",
    edits: [{ file: claimHandler, from: "request.claim_id ?? randomUUID()", to: "randomUUID()" }],
    withinWorlds: 100,
    seed: 20,
    rule: "a healthy bot is never told that its session is gone",
  },
  "late-claim": {
    what: "A late attempt at an earlier claim ends the session of a later one.",
    edits: [
      {
        file: claim,
        from: "return isEarlierClaim(claimId, current.session_id);",
        to: "return false;",
      },
    ],
    withinWorlds: 100,
    seed: 20,
    rule: "a healthy bot is never told that its session is gone",
  },
  "contest-forgotten": {
    what: "A second process of a device opens and releases while the first may still believe.",
    edits: [
      {
        file: claim,
        from: "? { contested_until: freeAtMs(way.replaces) }",
        to: "? {}",
      },
    ],
    withinWorlds: 600,
    seed: 287,
    rule: "one device at a time",
  },
  "contest-released": {
    what: "A release frees a key that is contested.",
    edits: [
      {
        file: release,
        from: "`(${replacedNone} OR sessions.#symbol.contested_until <= :now)`",
        to: "`(attribute_exists(sessions.#symbol) OR sessions.#symbol.contested_until <= :now)`",
      },
    ],
    withinWorlds: 600,
    seed: 287,
    rule: "one device at a time",
  },
  "seats-taken-away": {
    what: "Seats that were taken away are claimed again.",
    edits: [
      {
        file: claim,
        from: "(attribute_exists(sessions.#symbol) AND size(sessions) <= max_sessions)",
        to: "attribute_exists(sessions.#symbol)",
      },
    ],
    withinWorlds: 400,
    seed: 158,
    rule: "seats",
  },
  "check-then-write": {
    what: "A claim reads first and then writes without a condition, as the old server did.",
    edits: [
      {
        file: claim,
        from: "[active, unexpired, countable, entry.condition, seat.condition]",
        to: "[active, unexpired, countable]",
      },
    ],
    withinWorlds: 10,
    seed: 1,
    rule: "one device at a time",
  },
  "false-success": {
    what: "A heartbeat that was not written is answered 200, as the old server did.",
    edits: [
      {
        file: heartbeat,
        from: 'if (judgement.code !== "held") return judgement;',
        to: 'if (result.refusedBy) return { code: "recorded", license: result.refusedBy };',
      },
    ],
    withinWorlds: 10,
    seed: 1,
    rule: "every 200 was stored",
  },
  "boundary-of-a-lease": {
    what: "A lease that has lapsed to the millisecond still keeps others out.",
    edits: [
      {
        file: claim,
        from: "`sessions.#symbol.lapses_at <= :now AND ${uncontested}`",
        to: "`sessions.#symbol.lapses_at < :now AND ${uncontested}`",
      },
      {
        file: claim,
        from: "    if (nowMs < freeAtMs(current)) {",
        to: "    if (nowMs <= freeAtMs(current)) {",
      },
    ],
    withinWorlds: 10,
    seed: 1,
    rule: "the key of a dead bot is free at the instant it lapses",
  },
  "nobody-is-let-in": {
    what: "A lapsed session keeps others out for ever.",
    edits: [
      {
        file: claim,
        from: "    if (nowMs < freeAtMs(current)) {",
        to: "    if (nowMs < Number.MAX_SAFE_INTEGER) {",
      },
      {
        file: claim,
        from: "(${absent} OR (${over}))`",
        to: "(${absent} OR (${over} AND :now < :zero))`",
      },
    ],
    withinWorlds: 10,
    seed: 2,
    rule: "nobody is refused without a reason",
  },
  "client-paused-machine": {
    what: "A client goes on believing when its virtual machine runs again.",
    edits: [
      {
        file: keeping,
        from: "return wallLeadMs(at) - keeping.wallLeadMs > keeping.timing.clocksPartedAfterMs;",
        to: "return wallLeadMs(at) - keeping.wallLeadMs > 1e12;",
      },
    ],
    withinWorlds: 150,
    seed: 41,
    rule: "no right without a confirmed request",
  },
  "client-counts-from-the-last-attempt": {
    what: "A client counts the right to a claim from its last attempt, though the first was applied.",
    edits: [
      {
        file: clientClaim,
        from: "unconfirmed ? sent : (maybeGranted ?? sent)",
        to: "sent",
      },
    ],
    withinWorlds: 600,
    seed: 280,
    rule: "one device at a time",
  },
  "wrong-clock": {
    what: "A function whose clock is wrong decides all the same.",
    edits: [
      {
        file: skew,
        from: "differenceMs < -toleranceMs || differenceMs > coldStartMs",
        to: "Number.isNaN(differenceMs)",
      },
      { file: skew, from: "if (aheadMs > toleranceMs) return aheadMs;", to: "" },
      { file: skew, from: "return behindMs < -toleranceMs ? behindMs : 0;", to: "return 0;" },
    ],
    withinWorlds: 150,
    seed: 43,
    rule: "nobody is refused without a reason",
  },
  "end-session-frees-at-once": {
    what: "An operator who ends a session frees the key while its bot may still believe.",
    edits: [
      {
        file: endSession,
        from: "lapses_at: freedAtMs ?? freeAtMs(session),",
        to: "lapses_at: freedAtMs ?? session.last_heartbeat,",
      },
    ],
    withinWorlds: 50,
    seed: 4,
    rule: "one device at a time",
  },
  "client-counts-from-the-answer": {
    what: "A client counts its right from when the answer came, not from when the request was sent.",
    edits: [
      {
        file: clientClaim,
        from: "return { granted: outcome, sent: since };",
        to: "return { granted: outcome, sent: readClocks(runtime) };",
      },
      {
        file: "clients/typescript/keep-session.ts",
        from: 'take({ kind: "answered", outcome, sent, plannedMs });',
        to: 'take({ kind: "answered", outcome, sent: readClocks(runtime), plannedMs });',
      },
    ],
    withinWorlds: 600,
    seed: 414,
    rule: "one device at a time",
  },
  "client-without-margin": {
    what: "A client counts on the whole timeout, and keeps nothing for clocks that differ.",
    edits: [
      {
        file: "clients/typescript/timing.ts",
        from: "Math.floor(sessionTimeoutMs - actualMarginMs);",
        to: "Math.floor(sessionTimeoutMs);",
      },
    ],
    withinWorlds: 1_000,
    seed: 666,
    rule: "one device at a time",
  },
  "client-trusts-any-200": {
    what: "A client takes any answer of 200 for a heartbeat that was stored, also that of a proxy.",
    edits: [
      {
        file: clientAnswers,
        from: '  switch (code) {\n    case "recorded": {',
        to: '  switch (exchange.status === 200 ? "recorded" : code) {\n    case "recorded": {',
      },
    ],
    withinWorlds: 400,
    seed: 215,
    rule: "no right without a confirmed request",
  },
  "restored-tokens": {
    what: "A license that is restored grants tokens again that were granted since the backup.",
    edits: [
      {
        file: writeRow,
        from: "fencing_token: firstToken(row, note.atMs),",
        to: "fencing_token: row.fencingToken ?? 0,",
      },
    ],
    withinWorlds: 300,
    seed: 125,
    rule: "tokens never go back",
  },
  "restored-twice": {
    what: "A license that is restored twice from one export grants tokens again.",
    edits: [
      {
        file: writeRow,
        from: "return fencingToken === undefined ? 0 : tokenAheadBy(nowMs);",
        to: "return fencingToken === undefined ? 0 : fencingToken + 1e12;",
      },
    ],
    withinWorlds: 3_000,
    seed: 100688,
    rule: "tokens never go back",
    restless: true,
  },
  "seats-of-a-lapsed-legacy-claim": {
    what: "A legacy bot whose session has lapsed is answered 500 for ever once seats were taken away.",
    edits: [
      {
        file: claim,
        from: "way: { ...way, displaces: { license, entries } } };",
        to: "way: { displaces: { license, entries } } };",
      },
    ],
    withinWorlds: 1_000,
    seed: 744709216,
    rule: "no error but those of the world",
    restless: true,
  },
  "client-claims-on-after-a-refusal": {
    what: "A client claims by the same id after a refusal, though a write of the refused claim is still under way.",
    edits: [
      {
        file: clientClaim,
        from: "        claimId = runtime.nextClaimId();\n        maybeGranted = undefined;",
        to: "        if (maybeGranted) maybeGranted = sent;",
      },
    ],
    withinWorlds: 20_000,
    seed: 3_002_228,
    rule: "one device at a time",
    restless: true,
  },
  "token-of-the-clean-up": {
    what: "A claim that drops long lapsed entries reports the token of another claim that came between.",
    edits: [
      {
        file: claim,
        from: "license: { ...kept, fencing_token: result.license.fencing_token },",
        to: "license: kept,",
      },
    ],
    withinWorlds: 10_000,
    seed: 5_007_785,
    rule: "tokens rise",
    restless: true,
  },
  "check-that-claims": {
    what: "Whoever only asks whether a session could be had is given it.",
    edits: [
      {
        file: claimHandler,
        from: "(request.check_only ? checkClaim : claim)(",
        to: "claim(",
      },
    ],
    withinWorlds: 10,
    seed: 1,
    rule: "no error but those of the world",
  },
  "check-without-seats": {
    what: "A check says that a session could be had, though every seat is taken.",
    edits: [
      {
        file: claim,
        from: "judgeClaim(await table.get(request.licenseId, signal), request, nowMs);",
        to: "judgeClaim({ ...(await table.get(request.licenseId, signal)), max_sessions: 100 }, request, nowMs);",
      },
    ],
    withinWorlds: 100,
    seed: 15,
    rule: "a check says what a claim would meet",
  },
};
