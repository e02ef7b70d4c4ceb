/** A way to break the service: in that file, `from` (which is there once) becomes `to`. */
export type Mutant = {
  file: string;
  from: string;
  to: string;
  /** What must see it, outside of the functions. */
  tests?: string[];
};

const claim = "lambdas/sessions/claim.ts";
const heartbeat = "lambdas/sessions/heartbeat.ts";
const holder = "lambdas/sessions/holder.ts";
const license = "lambdas/sessions/license.ts";
const session = "lambdas/sessions/session.ts";
const table = "lambdas/sessions/table.ts";

/** Each sub-condition of each write, each rule, and each decision of the functions around them. */
export const mutants: Mutant[] = [
  // The condition of a claim.
  { file: claim, from: '"#status = :active"', to: '"(#status = :active OR #status <> :active)"' },
  { file: claim, from: "license_expiration > :now)", to: "license_expiration >= :now)" },
  { file: claim, from: "license_expiration > :now)", to: "license_expiration < :now)" },
  { file: claim, from: "attribute_not_exists(license_expiration) OR ", to: "" },
  { file: claim, from: "last_heartbeat <= :lapsed", to: "last_heartbeat < :lapsed" },
  { file: claim, from: "last_heartbeat <= :lapsed", to: "last_heartbeat >= :lapsed" },
  {
    file: claim,
    from: "(${free} OR ${lapsed} OR ${heldByCaller})",
    to: "(${free} OR ${heldByCaller})",
  },
  {
    file: claim,
    from: "(${free} OR ${lapsed} OR ${heldByCaller})",
    to: "(${lapsed} OR ${heldByCaller})",
  },
  { file: claim, from: "(${free} OR ${lapsed} OR ${heldByCaller})", to: "(${free} OR ${lapsed})" },
  {
    file: claim,
    from: "[active, unexpired, takeable, seat.condition]",
    to: "[active, unexpired, seat.condition]",
  },
  {
    file: claim,
    from: "[active, unexpired, takeable, seat.condition]",
    to: "[active, takeable, seat.condition]",
  },
  {
    file: claim,
    from: "[active, unexpired, takeable, seat.condition]",
    to: "[active, unexpired, takeable]",
  },
  { file: claim, from: "sessions.#symbol.session_id <> :session_id", to: ":session_id <> :one" },
  {
    file: claim,
    from: "sessions.#symbol.device_fingerprint = :device AND",
    to: ":device <> :one AND",
  },
  { file: claim, from: "attribute_exists(sessions.#symbol) OR size", to: "size" },
  { file: claim, from: "size(sessions) < max_sessions", to: "size(sessions) <= max_sessions" },
  { file: claim, from: "size(sessions) < max_sessions)", to: "max_sessions > :zero)" },
  { file: claim, from: "fencing_token, :zero) + :one", to: "fencing_token, :zero) + :zero" },
  { file: claim, from: "fencing_token, :zero) + :one", to: "max_sessions, :zero) + :one" },
  { file: claim, from: "if_not_exists(fencing_token, :zero)", to: "fencing_token" },
  { file: claim, from: "started_at: nowMs", to: "started_at: nowMs - 1" },
  { file: claim, from: "last_heartbeat: nowMs,", to: "last_heartbeat: nowMs + 1," },
  // Displacement.
  { file: claim, from: '      "attribute_not_exists(sessions.#symbol)",\n', to: "" },
  {
    file: claim,
    from: '      "size(sessions) <= :sessions_seen",\n',
    to: '      ":sessions_seen >= :zero",\n',
  },
  { file: claim, from: "size(sessions) <= :sessions_seen", to: "size(sessions) < :sessions_seen" },
  { file: claim, from: "max_sessions >= :max_sessions_seen", to: ":max_sessions_seen >= :zero" },
  {
    file: claim,
    from: "max_sessions >= :max_sessions_seen",
    to: "max_sessions > :max_sessions_seen",
  },
  {
    file: claim,
    from: ".last_heartbeat = :seen${index}`",
    to: ".last_heartbeat <= :now AND :seen${index} <= :now`",
  },
  { file: claim, from: "${seat.remove}`", to: "`" },
  // Its words, and what leads to a displacement.
  { file: claim, from: "?.session_id === sessionId)", to: "?.session_id !== sessionId)" },
  {
    file: claim,
    from: "    if (result.met?.sessions[caller.sessionSymbol]?.session_id === sessionId) {",
    to: "    if (Math.min(1, 0) > 1 && result.met) {",
  },
  {
    file: claim,
    from: 'if (judgement.code !== "available") return judgement;',
    to: 'if (judgement.code === "license_unknown") return judgement; else if (judgement.code !== "available") return { code: "license_unknown" };',
  },
  { file: claim, from: "displaced = judgement.displaced;", to: "" },
  { file: claim, from: "judgement.license.max_sessions + 1;", to: "0;" },
  { file: claim, from: "judgement.license.max_sessions + 1;", to: "1;" },
  {
    file: claim,
    from: 'if (!license) return { code: "license_unknown" };',
    to: 'if (!license) return { code: "license_suspended" };',
  },
  { file: claim, from: "if (ended) return { code: ended };", to: "" },
  { file: claim, from: "!isLive(current, nowMs, sessionTimeoutMs) ||", to: "" },
  { file: claim, from: "|| current.device_fingerprint === deviceFingerprint", to: "" },
  {
    file: claim,
    from: 'blocked("session_conflict", current)',
    to: 'blocked("session_limit", current)',
  },
  {
    file: claim,
    from: "a.last_heartbeat - b.last_heartbeat",
    to: "b.last_heartbeat - a.last_heartbeat",
  },
  { file: claim, from: "license.max_sessions + 1));", to: "license.max_sessions));" },
  { file: claim, from: "license.max_sessions + 1));", to: "license.max_sessions + 2));" },
  { file: claim, from: "entries.at(-1)", to: "entries.at(0)" },
  {
    file: claim,
    from: "return isLive(lastToLapse, nowMs, sessionTimeoutMs)\n",
    to: "return !isLive(lastToLapse, nowMs, sessionTimeoutMs)\n",
  },
  {
    file: claim,
    from: 'blocked("session_limit", lastToLapse)',
    to: 'blocked("session_conflict", lastToLapse)',
  },
  // Who holds a session, in a heartbeat and in a release.
  {
    file: holder,
    from: '"sessions.#symbol.device_fingerprint = :device"',
    to: '"attribute_exists(sessions.#symbol) AND :device = :device"',
  },
  {
    file: holder,
    from: '"sessions.#symbol.session_id = :session_id"',
    to: '":session_id = :session_id"',
  },
  {
    file: holder,
    from: "sessionId === undefined ? sameDevice :",
    to: "sessionId !== undefined ? sameDevice :",
  },
  { file: "lambdas/sessions/release.ts", from: '"REMOVE sessions.#symbol"', to: '"REMOVE email"' },
  {
    file: "lambdas/sessions/release.ts",
    from: 'result.applied ? "released" : "not_held"',
    to: 'result.applied ? "not_held" : "released"',
  },
  // A heartbeat.
  { file: heartbeat, from: "last_heartbeat: nowMs, ...report", to: "...report" },
  { file: heartbeat, from: "last_heartbeat: nowMs, ...report", to: "last_heartbeat: nowMs" },
  {
    file: heartbeat,
    from: "([, value]) => value !== undefined",
    to: "([, value]) => value === undefined",
  },
  {
    file: heartbeat,
    from: "if (!result.applied)",
    to: "if (!result.applied && result.met === undefined)",
  },
  { file: heartbeat, from: "ended ? { code: ended } :", to: "" },
  {
    file: heartbeat,
    from: 'if (!session) return { code: "session_not_found" };',
    to: 'if (!session) return { code: "session_replaced" };',
  },
  {
    file: heartbeat,
    from: "session.device_fingerprint !== holder.deviceFingerprint",
    to: "session.device_fingerprint === holder.deviceFingerprint",
  },
  {
    file: heartbeat,
    from: "session.session_id !== holder.sessionId",
    to: "session.session_id === holder.sessionId",
  },
  {
    file: heartbeat,
    from: 'return { code: "session_replaced" };',
    to: 'return { code: "session_not_found" };',
  },
  // A license and its end.
  { file: license, from: 'return "license_suspended";', to: "return undefined;" },
  { file: license, from: 'return "license_cancelled";', to: "return undefined;" },
  {
    file: license,
    from: "nowMs >= license.license_expiration",
    to: "nowMs > license.license_expiration",
  },
  { file: license, from: '? "license_expired" : undefined', to: '? undefined : "license_expired"' },
  {
    file: license,
    from: ".filter(([, session]) => isLive(session, nowMs, sessionTimeoutMs))",
    to: "",
  },
  { file: license, from: "    .sort();", to: "    .sort().reverse();" },
  {
    file: license,
    from: "if (license.license_expiration === undefined) return null;",
    to: "if (license.license_expiration !== undefined) return null;",
  },
  // Liveness, waiting, masking.
  {
    file: session,
    from: "nowMs - session.last_heartbeat < sessionTimeoutMs",
    to: "nowMs - session.last_heartbeat <= sessionTimeoutMs",
  },
  {
    file: session,
    from: "return nowMs - sessionTimeoutMs;",
    to: "return nowMs - sessionTimeoutMs + 1;",
  },
  {
    file: session,
    from: "return nowMs - sessionTimeoutMs;",
    to: "return nowMs - sessionTimeoutMs - 1;",
  },
  { file: session, from: "Math.ceil((session", to: "Math.floor((session" },
  { file: session, from: "Math.max(0, Math.ceil", to: "Math.max(1, Math.ceil" },
  { file: session, from: "Math.min(8, ", to: "Math.min(9, " },
  {
    file: session,
    from: "Math.floor(characters.length / 2)",
    to: "Math.ceil(characters.length / 2)",
  },
  { file: session, from: "[...deviceFingerprint]", to: 'deviceFingerprint.split("")' },
  // The table.
  {
    file: table,
    from: "if (!(error instanceof ConditionalCheckFailedException)) throw error;",
    to: "if (!(error instanceof ConditionalCheckFailedException)) return { applied: false, refusedBy: undefined };",
  },
  { file: table, from: "ConditionExpression: change.condition,", to: "" },
  {
    file: table,
    from: "askForRefusedItem ? await get(change.licenseId, signal) : undefined",
    to: "undefined",
  },
  {
    file: table,
    from: "askForRefusedItem ? await get(change.licenseId, signal) : undefined",
    to: "await get(change.licenseId, signal)",
  },
  { file: table, from: "if (error.Item) return", to: "if (error.Item && !error.Item) return" },
  { file: table, from: 'ReturnValuesOnConditionCheckFailure: "ALL_OLD",', to: "" },
  { file: table, from: "ConsistentRead: true,", to: "" },
  { file: table, from: "throwOnRequestTimeout: true,", to: "" },
  { file: table, from: "requestTimeout: 1_000,", to: "requestTimeout: 10_000," },
  { file: table, from: "maxAttempts: 3,", to: "maxAttempts: 1," },
  { file: table, from: "maxAttempts: 3,", to: "maxAttempts: 9," },
  // The functions around the rules.
  {
    file: "lambdas/request.ts",
    from: "settings.multiSymbolSessions && request.symbol",
    to: "request.symbol",
  },
  { file: "lambdas/request.ts", from: ", z.toUpperCase()", to: "" },
  { file: "lambdas/license-key.ts", from: "    z.trim(),\n", to: "" },
  { file: "lambdas/http.ts", from: "answerWithinMs = 3_500", to: "answerWithinMs = 30_000" },
  { file: "lambdas/http.ts", from: "statusCode: 500,\n", to: "statusCode: 200,\n" },
  { file: "lambdas/http.ts", from: "const nowMs = now();", to: "now(); const nowMs = now();" },
  { file: "lambdas/http.ts", from: "      controller.abort(error);\n", to: "" },
  { file: table, from: "abortSignal ? { ...options, abortSignal } : options", to: "options" },
  {
    file: "lambdas/validate-handler.ts",
    from: "request.check_only ? checkClaim : claim",
    to: "request.check_only ? claim : checkClaim",
  },
  {
    file: "lambdas/validate-handler.ts",
    from: "Math.floor(sessionTimeoutSeconds / 3)",
    to: "Math.ceil(sessionTimeoutSeconds / 2)",
  },
  { file: "lambdas/validate-handler.ts", from: "Math.max(1, ", to: "Math.max(0, " },
  {
    file: "lambdas/validate-handler.ts",
    from: "        statusCode: 403,\n",
    to: "        statusCode: 200,\n",
  },
  { file: "lambdas/validate-handler.ts", from: "statusCode: 401", to: "statusCode: 403" },
  { file: "lambdas/heartbeat-handler.ts", from: "statusCode: 403", to: "statusCode: 200" },
  {
    file: "lambdas/heartbeat-handler.ts",
    from: "return { statusCode: 500",
    to: "return { statusCode: 200",
  },
  {
    file: "lambdas/heartbeat-handler.ts",
    from: "bot_status: request.status",
    to: "bot_status: request.bot_version",
  },
  {
    file: "lambdas/heartbeat-handler.ts",
    from: "sessionId: request.session_id",
    to: "sessionId: undefined",
  },
  {
    file: "lambdas/heartbeat-handler.ts",
    from: "Math.floor((expirationMs",
    to: "Math.ceil((expirationMs",
  },
  {
    file: "lambdas/release-handler.ts",
    from: "sessionId: request.session_id",
    to: "sessionId: undefined",
  },
  {
    file: "lambdas/json-body.ts",
    from: "Buffer.byteLength(text) > maxBytes",
    to: "Buffer.byteLength(text) >= maxBytes",
  },
  {
    file: "lambdas/json-body.ts",
    from: "Buffer.byteLength(body, encoding) > maxBodyBytes",
    to: "Buffer.byteLength(body, encoding) > 2 * maxBodyBytes",
  },
  { file: "lambdas/json-body.ts", from: "fatal: true, ", to: "" },
  { file: "lambdas/json-body.ts", from: "isWellFormed(body) ? body : undefined", to: "body" },
  { file: "lambdas/json-body.ts", from: 'if (Object.hasOwn(body, "__proto__"))', to: "if (!body)" },
  { file: "lambdas/json-body.ts", from: "if (tainted !== undefined)", to: "if (tainted === null)" },
  { file: "lambdas/json-body.ts", from: " || Array.isArray(body)", to: "" },
  // Limits of what is taken, and what is told and logged.
  { file: holder, from: "`${sameDevice} AND ${sameClaim}`", to: "`${sameDevice} OR ${sameClaim}`" },
  { file: "lambdas/license-key.ts", from: "z.maxLength(128)", to: "z.maxLength(129)" },
  { file: "lambdas/license-key.ts", from: "    z.refine(isWellFormed),\n", to: "" },
  { file: "lambdas/license-key.ts", from: 'hash("sha256"', to: 'hash("sha1"' },
  { file: "lambdas/request.ts", from: "z.maxLength(255)", to: "z.maxLength(256)" },
  { file: "lambdas/request.ts", from: "{1,32}", to: "{1,33}" },
  {
    file: "lambdas/request.ts",
    from: ".check(z.minLength(1), z.maxLength(64)",
    to: ".check(z.maxLength(64)",
  },
  { file: "lambdas/request.ts", from: "z.maxLength(64)", to: "z.maxLength(65)" },
  { file: "lambdas/heartbeat-handler.ts", from: "z.maxLength(64)", to: "z.maxLength(65)" },
  { file: "lambdas/heartbeat-handler.ts", from: "metadata: 1024", to: "metadata: 1025" },
  {
    file: "lambdas/heartbeat-handler.ts",
    from: 'message: "Another device holds this session now.",\n        session_conflict: true',
    to: 'message: "Another device holds this session now.",\n        session_conflict: false',
  },
  { file: "lambdas/heartbeat-handler.ts", from: "86_400_000", to: "86_300_000" },
  { file: "lambdas/heartbeat-handler.ts", from: "nowMs, 3_600_000", to: "nowMs, 3_500_000" },
  { file: "lambdas/http.ts", from: "answer.statusCode >= 400", to: "answer.statusCode >= 200" },
  {
    file: "lambdas/http.ts",
    from: "device: maskFingerprint(request.device_fingerprint)",
    to: "device: request.device_fingerprint",
  },
  {
    file: "lambdas/http.ts",
    from: "licenseIdOf(request.license_key).slice(0, 8)",
    to: "request.license_key",
  },
  { file: "lambdas/http.ts", from: "      reject(error);\n", to: "" },
  { file: "lambdas/json-source.ts", from: '(?:[^"\\\\]|\\\\.)*', to: '[^"]*' },
  { file: table, from: 'ReturnValues: "ALL_NEW"', to: 'ReturnValues: "ALL_OLD"' },
  { file: "lambdas/environment.ts", from: "SECONDS * 1000", to: "SECONDS * 100" },
  { file: "lambdas/environment.ts", from: "z._default(flag, false)", to: "z._default(flag, true)" },
  { file: "lambdas/environment.ts", from: "z.minimum(1)", to: "z.minimum(0)" },
  { file: "lambdas/environment.ts", from: "z.maximum(86_400)", to: "z.maximum(86_401)" },
  { file: "lambdas/json-body.ts", from: "ignoreBOM: true", to: "ignoreBOM: false" },
  { file: "lambdas/http.ts", from: 'log("info", requestId, answer, { field });', to: "" },
  // Around the functions.
  {
    file: "licenses/change-license.ts",
    from: "[exists, notRekeyed, ...conditions]",
    to: "[exists, ...conditions]",
    tests: ["test/licenses/change-license"],
  },
  {
    file: "ops/commands/export.ts",
    from: "ConsistentRead: true",
    to: "ConsistentRead: false",
    tests: ["test/ops/commands/cost"],
  },
  {
    file: "local/listen.ts",
    from: '"127.0.0.1"',
    to: '"0.0.0.0"',
    tests: ["test/local/listen"],
  },
  {
    file: "licenses/random-license-key.ts",
    from: "randomInt(characters.length)",
    to: "Math.floor(Math.random() * characters.length)",
    tests: ["test/licenses/random-license-key"],
  },
];
