import {
  type ClaimRequest,
  claimProblem,
  claimRequestSchema,
} from "../../contract/requests/claim-request.ts";
import type { ClaimAnswer } from "../../contract/routes.ts";
import { type Handler, type RequestContext, toHandler } from "../http/handle-request.ts";
import { legacyClaim } from "../legacy/legacy-claim.ts";
import { type Ask, askHolders } from "../rules/ask-holder.ts";
import {
  type CheckOutcome,
  type Claim,
  type ClaimOutcome,
  checkClaim,
  claim,
} from "../rules/claim.ts";
import { deviceOf, leaseMs, type ResolvedEntry, secondsUntilFree } from "../rules/entry.ts";
import { heldForSeconds } from "../rules/held-for-seconds.ts";
import { activeSymbols, expirationIso, type License, type Standing } from "../rules/license.ts";
import { holds } from "../rules/predicate.ts";
import { newSessionId } from "../rules/session-id.ts";
import { isLive } from "../rules/session-predicates.ts";
import { maskFingerprint, printable } from "../rules/shown-device.ts";
import { asSent, callerOf, openingOf, symbolFields, whoAsked } from "./caller.ts";
import { recordAsk, recordGrant } from "./history-lines.ts";
import {
  conflictMessage,
  licenseMessages,
  overMessages,
  seatMessage,
  shownDevice,
} from "./messages.ts";
import type { Service } from "./service.ts";

/**
 * `POST /api/validate-license`: claims a session. With `check_only`, only reports what a claim would
 * meet.
 */
export function claimHandler(service: Service): Handler {
  const { settings, table } = service;
  return toHandler<ClaimRequest, ClaimAnswer>(
    {
      schema: claimRequestSchema,
      problem: claimProblem,
      maxBytesOfText: {},
      whoAsked,
      isQuestion: ({ check_only }) => check_only === true,
      async answer(request, context) {
        const { nowMs, signal } = context;
        const { namedSymbols, ...caller } = callerOf(request, settings);
        const opening = openingOf(request);
        const wanted: Claim = {
          ...caller,
          ...newSessionId(namedSymbols, settings.multiSymbolSessions),
          opening,
          onlyIfFree: request.only_if_free === true,
          nowMs,
          sessionTimeoutMs: settings.sessionTimeoutMs,
          ...(settings.legacyBots && opening === undefined && { legacy: legacyClaim(nowMs) }),
        };
        const database = table.forRequest({ signal, nowMs });
        if (request.check_only) {
          return answerTo(await checkClaim(database, wanted), request, context, service);
        }
        const outcome = await claim(database, wanted);
        if (outcome.code === "granted" && outcome.isNew) recordGrant(outcome, context);
        if (!request.ask_holder || outcome.code !== "session_conflict") {
          return answerTo(outcome, request, context, service);
        }
        const { asks, isNew } = await askHolders(database, wanted, outcome);
        if (isNew) recordAsk(outcome, wanted, context);
        return answerTo(outcome, request, context, service, asks);
      },
      badRequest: (field, message) => ({
        statusCode: 400,
        body: { license_valid: false, code: "bad_request", message, field },
      }),
      failed: (message, request_id) => ({
        statusCode: 500,
        body: { license_valid: false, code: "internal_error", message, request_id },
      }),
    },
    service,
  );
}

function answerTo(
  outcome: ClaimOutcome | CheckOutcome,
  request: ClaimRequest,
  { nowMs, uncertainMs }: RequestContext,
  { settings }: Service,
  asks?: ReadonlyMap<string, Ask>,
): ClaimAnswer {
  const { code } = outcome;
  switch (code) {
    case "granted": {
      const { session, license } = outcome;
      const lease = leaseMs(session);
      return {
        statusCode: 200,
        body: {
          ...validLicense(license, lease),
          code,
          message: "The session is yours.",
          session_id: session.session_id,
          fencing_token: session.fencing_token ?? license.fencing_token,
          held_for_seconds: heldForSeconds(lease, settings.oneClock, uncertainMs),
        },
      };
    }
    case "available":
      return {
        statusCode: 200,
        body: {
          ...validLicense(outcome.license, outcome.leaseMs),
          code,
          message: "A session could be claimed now.",
        },
      };
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return {
        statusCode: 401,
        body: { license_valid: false, code, message: licenseMessages[code] },
      };
    case "claim_late":
    case "session_ended":
      return {
        statusCode: 409,
        body: {
          license_valid: true,
          session_conflict: true,
          code,
          message: overMessages[code],
          estimated_wait_seconds: outcome.waitSeconds,
        },
      };
    case "session_conflict": {
      const blocked =
        request.symbols &&
        outcome.blocked.flatMap((each) =>
          asSent(request, each.symbol).map((symbol) => ({ symbol, ...inTheWay(each) })),
        );
      const names = blocked?.map(({ symbol }) => symbol);
      return refused({
        code,
        message: conflictMessage(outcome, nowMs, request.device_fingerprint, names),
        ...inTheWay(outcome.blocked[0]),
        ...asksOfAll(),
        ...(blocked && { blocked }),
      });
    }
    case "session_limit": {
      const { first } = outcome;
      const ownSeats = {
        active_device: maskFingerprint(request.device_fingerprint),
        held_by_this_device: true,
        estimated_wait_seconds: Math.ceil(settings.sessionTimeoutMs / 1000),
      };
      const way = first ? inTheWay(first) : ownSeats;
      return refused({ code, message: seatMessage(outcome, nowMs), ...way });
    }
  }

  function refused<Body extends object>(body: Body) {
    const { symbol } = request;
    const flags = { license_valid: false, session_conflict: true } as const;
    return { statusCode: 403, body: { ...flags, ...body, symbol } } as const;
  }

  /** Of several holders, whether any was asked, told, or keeps its session. */
  function asksOfAll(): Partial<Ask> {
    if (!asks) return {};
    const all = [...asks.values()];
    return {
      holder_asked: all.some(({ holder_asked }) => holder_asked),
      holder_told: all.some(({ holder_told }) => holder_told),
      holder_keeps: all.some(({ holder_keeps }) => holder_keeps),
    };
  }

  function inTheWay({ symbol, entry }: Standing) {
    return {
      active_device: shownDevice(entry),
      held_by_this_device: deviceOf(entry) === request.device_fingerprint,
      estimated_wait_seconds: secondsUntilFree(entry, nowMs),
      holder: holderOf(entry),
      ...asks?.get(symbol),
    };
  }

  function validLicense(license: License, lease: number) {
    const timeoutSeconds = lease / 1000;
    return {
      license_valid: true,
      session_conflict: false,
      license_type: license.license_type,
      expiry_date: expirationIso(license),
      ...symbolFields(request),
      active_symbols: activeSymbols(license, nowMs),
      session_timeout_seconds: timeoutSeconds,
      // A heartbeat may be lost before the right is over.
      heartbeat_interval_seconds:
        timeoutSeconds < 3 ? Math.floor(timeoutSeconds / 0.3) / 10 : Math.floor(timeoutSeconds / 3),
    } as const;
  }

  function holderOf(entry: ResolvedEntry) {
    if (entry.kind !== "session" || !holds(isLive([], nowMs), entry)) return undefined;
    const secondsSince = (instantMs: number) => Math.max(0, Math.floor((nowMs - instantMs) / 1000));
    return {
      device: shownDevice(entry),
      since_seconds: secondsSince(entry.started_at),
      last_heartbeat_seconds_ago: secondsSince(entry.last_heartbeat),
      ...(entry.bot_status !== undefined && { status: printable(entry.bot_status) }),
    };
  }
}
