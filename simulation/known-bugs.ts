/** In the file, the one occurrence of `from` becomes `to`. */
type Edit = { file: string; from: string; to: string };

/** A fault that existed once, or could. */
type KnownBug = Edit & {
  /** What goes wrong with it. */
  what: string;
  also?: Edit;
  /** A seed that finds it, and the promise that is broken then. */
  seed: number;
  rule: string;
  /** In worlds where programs live for seconds. */
  restless?: true;
  /** In worlds of bots of many symbols. */
  several?: true;
};

export function editsOf({ also, ...first }: KnownBug): Edit[] {
  return also ? [first, also] : [first];
}

const claim = "lambdas/rules/claim.ts";
const grant = "lambdas/rules/grant.ts";
const seats = "lambdas/rules/seats.ts";
const heartbeat = "lambdas/rules/heartbeat.ts";
const release = "lambdas/rules/release.ts";
const end = "lambdas/rules/end.ts";
const entry = "lambdas/rules/entry.ts";
const asking = "lambdas/rules/ask-holder.ts";
const predicates = "lambdas/rules/session-predicates.ts";
const skew = "lambdas/rules/clock-skew.ts";
const right = "lambdas/rules/held-for-seconds.ts";
const claimRoute = "lambdas/routes/claim-route.ts";
const claimLine = "lambdas/routes/history-lines.ts";
const lapses = "lambdas/rules/lapses.ts";
const lapseEvent = "lambdas/lapses/lapse-event.ts";
const lapseReport = "lambdas/lapses/report-lapses.ts";
const messages = "lambdas/routes/messages.ts";
const keeping = "clients/typescript/keeping-state.ts";
const timing = "clients/typescript/timing.ts";
const writeRow = "ops/import/write-row.ts";
const rekey = "ops/data/rekey-license.ts";

/** By the name that `npm run simulate -- --put-back` knows. */
export const knownBugs: Readonly<Record<string, KnownBug>> = {
  // Identity and order.
  "identity-of-the-caller": {
    what: "The caller's name of an opening is the session's identity, so a late copy of the claim revives it.",
    file: claimRoute,
    from: "          opening,\n          onlyIfFree",
    to: "          ...(opening && request.symbols === undefined && { sessionId: `${opening.runId}.${opening.claimNumber}` }),\n          opening,\n          onlyIfFree",
    also: {
      file: claim,
      from: 'if (asking.is(equal([...madeAt, "session_id"], request.sessionId))) {',
      to: 'if (asking.is(and(equal([...madeAt, "session_id"], request.sessionId), absent(madeAt)))) {',
    },
    seed: 12,
    rule: "what is over stays over",
  },
  "late-claim": {
    what: "A late attempt of an opening that is over ends the session of a later one.",
    file: "lambdas/rules/late-attempt.ts",
    from: "if (over.length === 0) return undefined;",
    to: "if (over.length < 1e9) return undefined;",
    seed: 25,
    rule: "an attempt of an opening that is over is no claim",
  },
  "token-of-the-repeat": {
    what: "A claim that is repeated reports the token of the license, which another grant has raised.",
    file: claimRoute,
    from: "fencing_token: session.fencing_token ?? license.fencing_token,",
    to: "fencing_token: license.fencing_token,",
    seed: 35,
    rule: "a grant keeps its token",
  },
  "token-goes-back": {
    what: "A grant whose time is earlier than the last token takes the time for its token.",
    file: claim,
    from: 'less(["fencing_token"], nowMs));',
    to: 'exists(["fencing_token"]));',
    seed: 1,
    rule: "tokens never go back",
  },
  "restored-tokens": {
    what: "A license that is restored grants tokens again that were granted since the backup.",
    file: writeRow,
    from: "fencing_token: firstToken(row, note.atMs),",
    to: "fencing_token: row.fencingToken ?? 0,",
    seed: 58,
    rule: "tokens never go back",
  },
  "replaced-by-a-claim-without-run": {
    what: "A claim that names no run replaces the live session of a program that does.",
    file: claim,
    from: "return opening === undefined && asking.is(and(isLive(path, nowMs), isNamed(path)));",
    to: "return false;",
    seed: 32,
    rule: "who names nothing touches no named session",
  },
  "second-instance": {
    what: "A claim with only_if_free replaces the session of its own device.",
    file: claim,
    from: "if (request.onlyIfFree) return true;",
    to: "",
    seed: 2,
    rule: "only what is free is taken, if the claim says so",
  },

  // Time.
  "lease-not-begun-anew": {
    what: "A repeated claim is granted without a new lease, and its caller counts from the repeat.",
    file: claim,
    from: "asking.is(isUnconfirmed) ? renew(path, met) : undefined;",
    to: "asking.is(isUnconfirmed) ? { outcome: repeated(met.seen, path) } : undefined;",
    seed: 1,
    rule: "a session lasts as long as its holder was told",
  },
  "right-without-margin": {
    what: "The right that is named leaves nothing for clocks that differ.",
    file: right,
    from: ": clockAllowanceMs;",
    to: ": 0;",
    seed: 1,
    rule: "a session lasts as long as its holder was told",
  },
  "clock-of-the-function": {
    what: "A function decides by its own clock.",
    file: skew,
    from: "return { nowMs: receivedMs,",
    to: "return { nowMs: functionMs,",
    seed: 3,
    rule: "a session lasts as long as its holder was told",
  },
  "clock-of-the-operator": {
    what: "An operator's clock says when a session that was ended at once is free.",
    file: end,
    from: "const lapsesAtMs = now ? 0 :",
    to: "const lapsesAtMs = now ? Date.now() :",
    seed: 3,
    rule: "what an operator ends at once is free",
  },
  "time-out-changed": {
    what: "A heartbeat renews a session by the timeout in force, not by that of its grant.",
    file: heartbeat,
    from: 'let lapsesAt: Assigned = { kind: "sum", path: at("lease_ms"), plus: nowMs };',
    to: "let lapsesAt: Assigned = nowMs + sessionTimeoutMs;",
    seed: 39,
    rule: "a session lasts as long as its holder was told",
  },
  "late-heartbeat": {
    what: "A heartbeat that arrives late turns the timer and the end of the lease back.",
    file: heartbeat,
    from: 'asking.must(() => refusal(late), atMost(at("last_heartbeat"), nowMs));',
    to: 'asking.must(() => refusal(late), exists(at("last_heartbeat")));',
    seed: 13,
    rule: "a timer never runs backwards",
  },
  "boundary-of-a-lease": {
    what: "A lease that has lapsed to the millisecond still keeps others out.",
    file: predicates,
    from: 'atMost([...path, "lapses_at"], nowMs),',
    to: 'atMost([...path, "lapses_at"], nowMs - 1),',
    seed: 1,
    rule: "the key of a dead bot is free at the instant it lapses",
  },
  "oldest-version": {
    what: "An entry of the oldest version never lapses.",
    file: entry,
    from: "stored.lapses_at ?? stored.last_heartbeat + timeoutOfOldestMs",
    to: "stored.lapses_at ?? Number.POSITIVE_INFINITY",
    seed: 26,
    rule: "nobody is refused without a reason",
  },

  // One holder.
  "check-then-write": {
    what: "A claim reads first and then writes without a condition, as the old server did.",
    file: "lambdas/rules/rule-run.ts",
    from: "const written = await database.update(licenseId, run.condition, run.plan.change);",
    to: 'const written = await database.update(licenseId, and(equal(["license_id"], licenseId)), run.plan.change);',
    seed: 1,
    rule: "nothing is taken from a live holder",
  },
  "contest-forgotten": {
    what: "A second process of a device opens and releases while the first may still believe.",
    file: grant,
    from: "...(ownInUse.length > 0 && { contested_until: contestedUntilMs }),",
    to: "",
    seed: 12,
    rule: "one device at a time",
  },
  "contest-of-an-old-build": {
    what: "A heartbeat that names its session forgets that an old build, which names nothing, may have renewed it.",
    file: heartbeat,
    from: "if (sessionId !== undefined && !asking.is(isAlone(path))) {",
    to: "if (sessionId === null) {",
    seed: 79,
    rule: "a session lasts as long as its holder was told",
    restless: true,
  },
  "contest-released": {
    what: "A release frees a key that is contested.",
    file: release,
    from: 'const isUncontested = or(absent(at("contested_until")), atMost(at("contested_until"), nowMs));',
    to: 'const isUncontested = or(absent(at("contested_until")), atLeast(at("contested_until"), 0));',
    seed: 12,
    rule: "one device at a time",
  },
  "released-without-a-name": {
    what: "A release that names nothing ends a session that another process has named.",
    file: release,
    from: "return isNameless || namedSymbols",
    to: "return namedSymbols",
    also: {
      file: predicates,
      from: "? and(isHeldByDevice, not(isNamed(path)))",
      to: "? isHeldByDevice",
    },
    seed: 53,
    rule: "who names nothing touches no named session",
  },
  "end-session-frees-at-once": {
    what: "An operator who ends a session frees the key while its bot may still believe.",
    file: end,
    from: "now ? 0 : freeAtMs(entry);",
    to: "now ? 0 : Math.min(nowMs, freeAtMs(entry));",
    seed: 4,
    rule: "one device at a time",
  },
  "false-success": {
    what: "A heartbeat that was not written is answered 200, as the old server did.",
    file: "lambdas/routes/heartbeat-route.ts",
    from: "        return answer(await heartbeat(database, beat), 500);",
    to: '        const outcome = await heartbeat(database, beat); const seen = await database.get(beat.licenseId); const session = seen?.license.sessions[beat.symbols[0] ?? ""]; return answer(outcome.code === "lost" && seen && session?.kind === "session" ? { code: "recorded", license: seen.license, session, before: session } : outcome, 500);',
    seed: 10,
    rule: "every 200 was stored",
  },

  // Seats.
  "seats-of-a-vacancy": {
    what: "A vacancy of its own device gives a claim a seat that was taken away.",
    file: seats,
    from: "own.length === symbols.length && own.every(({ path }) => is(isLive(path, nowMs)))",
    to: "own.length === symbols.length",
    seed: 144,
    rule: "seats",
  },
  "seats-taken-away": {
    what: "Seats that were taken away are claimed again.",
    file: seats,
    from: "const reuses = and(exists(sessionPath(symbol)), sizeAtMost(sessions, maxSessions));",
    to: "const reuses = exists(sessionPath(symbol));",
    seed: 112,
    rule: "seats",
    restless: true,
  },

  // Several symbols.
  "member-read-as-free": {
    what: "A condition in the form NOT (lapses_at > :now) reads a member, which has no lapses_at, as free, and none asks whose it is.",
    file: predicates,
    from: 'atMost([...path, "lapses_at"], nowMs),',
    to: 'not(greater([...path, "lapses_at"], nowMs)),',
    also: {
      file: claim,
      from: "and(isFree(path, nowMs), isOfSomebody, isOther)",
      to: "and(isFree(path, nowMs), isOther)",
    },
    seed: 5,
    rule: "nothing is taken from a live holder",
    several: true,
  },
  "lost-symbol-held": {
    what: "A heartbeat of several symbols says that one is held that was lost.",
    file: heartbeat,
    from: "return symbols.filter((symbol) => members.includes(symbol));",
    to: "return members.length > 0 ? symbols : [];",
    seed: 4,
    rule: "every 200 was stored",
    several: true,
  },
  "key-used-twice": {
    what: "A session of several symbols gets the key of another.",
    file: claim,
    from: "            absent(portfolioPath(portfolioKey)),\n",
    to: "",
    seed: 56,
    rule: "nothing is taken from a live holder",
    several: true,
    restless: true,
  },
  "partly-taken": {
    what: "A claim of several symbols is granted although one of them is held by another device.",
    file: claim,
    from: "if (!own.includes(each)) return true;",
    to: "if (!own.includes(each)) return each === placed[0];",
    seed: 7,
    rule: "nothing is taken from a live holder",
    several: true,
  },

  // Asking the holder.
  "asked-again-and-again": {
    what: "Each ask leaves a new note with the holder.",
    file: asking,
    from: "      if (asking.is(or(isAsked(path, nowMs), isKept(path, nowMs)))) continue;\n",
    to: "",
    seed: 1,
    rule: "a holder is asked once",
  },
  "asked-without-a-name": {
    what: "A holder is asked that sends no session_id, and can't answer.",
    file: predicates,
    from: "return and(isLive(path, nowMs), isNamed(path));",
    to: "return isLive(path, nowMs);",
    seed: 53,
    rule: "only a holder that can answer is asked",
  },

  // Lapsed sessions.
  "lapse-of-a-legacy-bot": {
    what: "The session of a legacy bot lapses over a closed market, and is reported.",
    file: lapses,
    from: "holds(and(isNamed(path), isWithin), license)",
    to: "holds(isWithin, license)",
    seed: 2,
    rule: "no event without a death",
  },
  "lapse-that-comes-back": {
    what: "A session is reported the moment it lapses, though its bot may come back.",
    file: lapses,
    from: "const stayedLapsedMs = 30_000;",
    to: "const stayedLapsedMs = 0;",
    seed: 1,
    rule: "no event without a death",
  },
  "lapse-of-a-key-that-is-over": {
    what: "The sessions of a license that got a new key are reported when they lapse.",
    file: lapseReport,
    from: '          FilterExpression: "attribute_not_exists(superseded_by)",\n',
    to: "",
    seed: 14,
    rule: "no event without a death",
  },
  "lapse-of-each-symbol": {
    what: "A session of several symbols has an event for each of them.",
    file: lapses,
    from: "found.set(entry.session_id, lapse);",
    to: "found.set(`${entry.session_id} ${symbol}`, lapse);",
    seed: 2,
    rule: "a death has one event",
    several: true,
  },
  "lapse-with-a-new-id": {
    what: "A run that is repeated gives its events ids of their own.",
    file: lapseEvent,
    from: "${license_id} ${session_id} ${lapses_at}`",
    to: "${license_id} ${session_id} ${Date.now()}`",
    seed: 14,
    rule: "a death has one event",
  },
  "lapse-between-two-runs": {
    what: "Two runs leave a second out between them.",
    file: lapses,
    from: "fromMs: toMs - periodMs,",
    to: "fromMs: toMs - periodMs + 1_000,",
    seed: 56,
    rule: "each death has its event or its claim's line",
  },
  "lapse-not-accepted": {
    what: "A run is not repeated although the bus has refused some of its events.",
    file: lapseReport,
    from: "if (FailedEntryCount > 0) throw",
    to: "if (FailedEntryCount > 1e9) throw",
    seed: 58,
    rule: "each death has its event or its claim's line",
  },
  "lapse-on-the-next-page": {
    what: "A run reads no more than the first page of each part of the table.",
    file: lapseReport,
    from: "} while (ExclusiveStartKey);",
    to: "} while (ExclusiveStartKey && details.length > 1e9);",
    seed: 70,
    rule: "each death has its event or its claim's line",
  },
  "displaced-without-a-line": {
    what: "The line of a claim leaves out the lapsed sessions whose seats it took.",
    file: claimLine,
    from: "displaced.length > 0 && {",
    to: "displaced.length > 1e9 && {",
    seed: 26,
    rule: "the history says what a claim took",
  },
  "taken-without-a-line": {
    what: "A heartbeat of a legacy bot that takes a lapsed session leaves no line of it.",
    file: "lambdas/legacy/legacy-heartbeat.ts",
    from: "if (claimed.isNew) recordGrant(claimed, context);",
    to: "",
    seed: 122,
    rule: "each death has its event or its claim's line",
  },
  "taken-without-its-last-heartbeat": {
    what: "The line of a claim doesn't say when the lapsed session was last heard of.",
    file: claimLine,
    from: "{ ...known, session_id, last_heartbeat, state }",
    to: "{ ...known, session_id, state }",
    seed: 1,
    rule: "each death has its event or its claim's line",
  },

  // Answers.
  "nobody-is-let-in": {
    what: "A lapsed session keeps others out for ever.",
    file: predicates,
    from: 'atMost([...path, "lapses_at"], nowMs),',
    to: 'atMost([...path, "lapses_at"], 0),',
    seed: 1,
    rule: "nobody is refused without a reason",
  },
  "wrong-clock": {
    what: "A request is decided by the time of an API whose clock is wrong.",
    file: skew,
    from: "receivedMs === undefined || !isExplained",
    to: "receivedMs === undefined",
    also: {
      file: skew,
      from: "aheadMs > clockToleranceMs + dateStepMs",
      to: "aheadMs > 1e15",
    },
    seed: 13,
    rule: "a grant has the time of its request",
  },
  "check-that-claims": {
    what: "Whoever only asks whether a session could be had is given it.",
    file: claimRoute,
    from: "if (request.check_only) {",
    to: "if (request.check_only === false) {",
    seed: 1,
    rule: "a check writes nothing",
  },
  "check-without-seats": {
    what: "A check says that a session could be had, though every seat is taken.",
    file: claim,
    from: 'if (!plan.change && plan.outcome.code !== "granted") return plan.outcome;',
    to: 'if (!plan.change && plan.outcome.code !== "granted" && plan.outcome.code !== "session_limit") return plan.outcome;',
    seed: 50,
    rule: "a check says what a claim would meet",
  },

  // The client.
  "client-counts-from-the-answer": {
    what: "A client counts its right from when the answer came, not from when the request was sent.",
    file: keeping,
    from: "heldForMs }, sent, options, random);",
    to: "heldForMs }, at, options, random);",
    seed: 67,
    rule: "no right without a confirmed request",
  },
  "client-without-margin": {
    what: "A client counts on the whole timeout instead of what the answer says that it holds.",
    file: timing,
    from: "const rightMs = Math.floor(Math.min(heldForMs, chosenMs));",
    to: "const rightMs = Math.floor(chosenMs);",
    seed: 1,
    rule: "no right without a confirmed request",
  },
  "client-paused-machine": {
    what: "A client goes on believing when its virtual machine runs again.",
    file: keeping,
    from: "return wallLeadMs(at) - keeping.wallLeadMs > keeping.timing.clocksPartedAfterMs;",
    to: "return wallLeadMs(at) - keeping.wallLeadMs > 1e12;",
    seed: 58,
    rule: "no right without a confirmed request",
  },
  "client-ignores-a-loss": {
    what: "A client goes on with a symbol of several that was lost.",
    file: keeping,
    from: "const rest = { ...keeping, symbols };",
    to: "const rest = { ...keeping };",
    seed: 4,
    rule: "one device at a time",
    several: true,
  },

  // A right, a name and a key that something else knows of.
  "uncertain-start": {
    what: "What a cold start leaves uncertain of the time is not taken off the right.",
    file: right,
    from: " - leaseMs / 60 - uncertainMs;",
    to: " - leaseMs / 60;",
    seed: 16,
    rule: "a session lasts as long as its holder was told",
  },
  "named-without-a-trace": {
    what: "A heartbeat that names its session leaves it without a name.",
    file: heartbeat,
    from: 'set.push([at(sessionId === undefined ? "renewed" : "confirmed"), true]);',
    to: 'if (sessionId === undefined) set.push([at("renewed"), true]);',
    seed: 0,
    rule: "every 200 was stored",
  },
  "unnamed-taken-for-named": {
    what: "A session that nobody has named is judged as a named one.",
    file: predicates,
    from: 'return or(exists([...path, "run_id"]), exists([...path, "confirmed"]));',
    to: 'return or(exists([...path, "run_id"]), exists([...path, "session_id"]));',
    seed: 1,
    rule: "nobody is refused without a reason",
  },
  "rekey-frees-at-once": {
    what: "A license with a new key is free at once for other devices, while a bot may still believe.",
    file: rekey,
    from: "return vacancyAfter(entry, freeAtMs(entry));",
    to: "return vacancyAfter(entry, 0);",
    seed: 14,
    rule: "one device at a time",
  },

  // What is said and logged.
  "own-seats-not-told": {
    what: "A refusal for want of seats does not say which of them the caller's own device uses.",
    file: messages,
    from: "return isOwn ? `${name} (this device)` : name;",
    to: "return name;",
    seed: 1,
    rule: "nobody is refused without a reason",
  },
  "devices-that-begin-alike": {
    what: "The history names devices by the part of the fingerprint that is shown, which several share.",
    file: "lambdas/rules/shown-device.ts",
    from: "`${licenseId}:${deviceFingerprint}`",
    to: "`${licenseId}:${maskFingerprint(deviceFingerprint)}`",
    seed: 0,
    rule: "the history tells devices apart",
  },
  "check-counted-as-refusal": {
    what: "A check that meets a session logs a refusal, which metrics and alarms count.",
    file: claimRoute,
    from: "isQuestion: ({ check_only }) => check_only === true,",
    to: "isQuestion: ({ check_only }) => check_only === false,",
    seed: 1,
    rule: "who only asks is no refusal",
  },
  "nothing-said-of-what-was-taken": {
    what: "The line of a claim does not name what it replaced.",
    file: grant,
    from: "replaced: standing(before.license, symbols),",
    to: "replaced: [],",
    seed: 0,
    rule: "the history says what a claim took",
  },
  "older-entry-is-an-error": {
    what: "A heartbeat fails on an entry of an earlier version, which has no length of its lease.",
    file: heartbeat,
    from: 'const hasLease = exists(at("lease_ms"));',
    to: 'const hasLease = exists(at("last_heartbeat"));',
    seed: 42,
    rule: "no error but those of the world",
  },
  "own-program-called-another-device": {
    what: "A legacy bot is told that another device was quicker, where a program of its own was.",
    file: "lambdas/legacy/legacy-heartbeat.ts",
    from: "if (blocked.some(({ entry }) => deviceOf(entry) === ownDevice)) {",
    to: "if (blocked.length === 0) {",
    seed: 88,
    rule: "nobody is refused without a reason",
    restless: true,
  },
  "renewed-without-a-trace": {
    what: "A heartbeat without session_id, in the millisecond of the claim, leaves no trace.",
    file: heartbeat,
    from: 'set.push([at(sessionId === undefined ? "renewed" : "confirmed"), true]);',
    to: 'if (sessionId !== undefined) set.push([at("confirmed"), true]);',
    seed: 441,
    rule: "a session lasts as long as its holder was told",
    restless: true,
  },
};
