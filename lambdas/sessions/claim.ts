import { randomUUID } from "node:crypto";
import type { Caller } from "./holder.ts";
import { type EndedCode, endedCode, type License } from "./license.ts";
import { isLive, lapsedAtOrBeforeMs, type Session, secondsUntilLapse } from "./session.ts";
import type { ConditionalUpdate, SessionTable } from "./table.ts";

export type ClaimRefusal =
  | { code: "license_unknown" | EndedCode }
  | {
      /** Another device holds the symbol, or every seat of the license is taken by a live session. */
      code: "session_conflict" | "session_limit";
      /** The session that is in the way; for a seat, the one that frees it first. */
      blockedBy: Session;
      waitSeconds: number;
    };

export type ClaimOutcome = { code: "granted"; license: License; sessionId: string } | ClaimRefusal;

export type CheckOutcome = { code: "available"; license: License } | ClaimRefusal;

/** The one clock reading of the request, epoch milliseconds, and the time-out it is judged by. */
export type ClaimTime = { nowMs: number; sessionTimeoutMs: number };

/**
 * Claims the session in one conditional write. A claim that needs the seat of a lapsed session
 * takes a second write, and another for each rival that was quicker to that seat.
 */
export async function claim(
  table: SessionTable,
  caller: Caller,
  time: ClaimTime,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  const sessionId = randomUUID();
  let displaced: Displaced | undefined;
  let writesLeft = 2;
  while (writesLeft > 0) {
    const result = await table.update(claimUpdate(caller, sessionId, time, displaced), signal);
    if (result.applied) return { code: "granted", license: result.license, sessionId };
    // Met by its own id: an earlier attempt of the SDK had been applied, only its answer was lost.
    if (result.met?.sessions[caller.sessionSymbol]?.session_id === sessionId) {
      return { code: "granted", license: result.met, sessionId };
    }
    const judgement = judgeClaim(result.met, caller, time);
    if (judgement.code !== "available") return judgement;
    // From here on a refusal means that a rival took or revived a seat, of which there are so many.
    writesLeft = displaced ? writesLeft - 1 : judgement.license.max_sessions + 1;
    displaced = judgement.displaced;
  }
  throw new Error("A claim was refused more often than rivals can explain");
}

/** Tells what a claim would meet, by one read. */
export async function checkClaim(
  table: SessionTable,
  caller: Caller,
  time: ClaimTime,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  return judgeClaim(await table.get(caller.licenseId, signal), caller, time);
}

/** Lapsed sessions that make room for a new one, and the license as it was when they were seen. */
type Displaced = { license: License; entries: readonly (readonly [symbol: string, Session])[] };

/** The rules of a claim as a condition. `judgeClaim` explains its refusals: change both together. */
function claimUpdate(
  { licenseId, deviceFingerprint, sessionSymbol }: Caller,
  sessionId: string,
  { nowMs, sessionTimeoutMs }: ClaimTime,
  displaced: Displaced | undefined,
): ConditionalUpdate {
  const session: Session = {
    device_fingerprint: deviceFingerprint,
    session_id: sessionId,
    started_at: nowMs,
    last_heartbeat: nowMs,
  };
  const active = "#status = :active";
  const unexpired = "(attribute_not_exists(license_expiration) OR license_expiration > :now)";

  // last_heartbeat         + session time-out
  //       |---- live ------|---- lapsed ---->
  const free = "attribute_not_exists(sessions.#symbol)";
  const lapsed = "sessions.#symbol.last_heartbeat <= :lapsed_at_or_before";
  // A device may replace its own session, but not the one this very claim has made: that would be
  // a second attempt of the SDK, and would count one claim twice.
  const heldByCaller =
    "(sessions.#symbol.device_fingerprint = :device AND sessions.#symbol.session_id <> :session_id)";
  const takeable = `(${free} OR ${lapsed} OR ${heldByCaller})`;

  const seat = displaced
    ? displacement(displaced)
    : {
        remove: "",
        condition: "(attribute_exists(sessions.#symbol) OR size(sessions) < max_sessions)",
        names: {},
        values: {},
      };
  return {
    licenseId,
    update: `SET sessions.#symbol = :session, fencing_token = if_not_exists(fencing_token, :zero) + :one${seat.remove}`,
    condition: [active, unexpired, takeable, seat.condition].join(" AND "),
    names: { "#status": "status", "#symbol": sessionSymbol, ...seat.names },
    values: {
      ":active": "active",
      ":now": nowMs,
      ":lapsed_at_or_before": lapsedAtOrBeforeMs(nowMs, sessionTimeoutMs),
      ":device": deviceFingerprint,
      ":session_id": sessionId,
      ":session": session,
      ":zero": 0,
      ":one": 1,
      ...seat.values,
    },
  };
}

/**
 * Makes room in the same write, on the condition that nothing it rests on has moved: the symbol
 * still needs a seat, there are no more sessions and no fewer seats than were counted, and each
 * displaced session has not been revived or claimed since it was seen.
 */
function displacement({ license, entries }: Displaced) {
  const paths = entries.map((_, index) => `sessions.#displaced${index}`);
  return {
    remove: ` REMOVE ${paths.join(", ")}`,
    condition: [
      "attribute_not_exists(sessions.#symbol)",
      "size(sessions) <= :sessions_seen",
      "max_sessions >= :max_sessions_seen",
      ...paths.map((path, index) => `${path}.last_heartbeat = :seen${index}`),
    ].join(" AND "),
    names: Object.fromEntries(entries.map(([symbol], index) => [`#displaced${index}`, symbol])),
    values: {
      ":sessions_seen": Object.keys(license.sessions).length,
      ":max_sessions_seen": license.max_sessions,
      ...Object.fromEntries(
        entries.map(([, seen], index) => [`:seen${index}`, seen.last_heartbeat]),
      ),
    },
  };
}

type Judgement =
  | { code: "available"; license: License; displaced: Displaced | undefined }
  | ClaimRefusal;

function judgeClaim(
  license: License | undefined,
  { deviceFingerprint, sessionSymbol }: Caller,
  { nowMs, sessionTimeoutMs }: ClaimTime,
): Judgement {
  if (!license) return { code: "license_unknown" };

  const ended = endedCode(license, nowMs);
  if (ended) return { code: ended };

  const current = license.sessions[sessionSymbol];
  if (current) {
    const takeable =
      !isLive(current, nowMs, sessionTimeoutMs) || current.device_fingerprint === deviceFingerprint;
    return takeable
      ? { code: "available", license, displaced: undefined }
      : blocked("session_conflict", current);
  }

  const oldestFirst = Object.entries(license.sessions).sort(
    ([, a], [, b]) => a.last_heartbeat - b.last_heartbeat,
  );
  // One, unless the license has been given fewer seats than it has sessions.
  const entries = oldestFirst.slice(0, Math.max(0, oldestFirst.length - license.max_sessions + 1));
  const lastToLapse = entries.at(-1)?.[1];
  if (!lastToLapse) return { code: "available", license, displaced: undefined };
  return isLive(lastToLapse, nowMs, sessionTimeoutMs)
    ? blocked("session_limit", lastToLapse)
    : { code: "available", license, displaced: { license, entries } };

  function blocked(code: "session_conflict" | "session_limit", blockedBy: Session): ClaimRefusal {
    return { code, blockedBy, waitSeconds: secondsUntilLapse(blockedBy, nowMs, sessionTimeoutMs) };
  }
}
