import type { LicenseCode } from "../rules/license.ts";
import { licenseMessages } from "./messages.ts";

/** What a heartbeat or a release answers that can't be read or handled. */
export const failures = {
  badRequest: (field: string, message: string) =>
    ({
      statusCode: 400,
      body: { status: "error", code: "bad_request", message, field },
    }) as const,
  failed: (message: string, request_id: string) =>
    withoutConflict({ code: "internal_error", message, request_id }),
};

/**
 * The status by which a bot learns that it must stop: 500 by contract, so that no monitor overlooks
 * it; legacy bots obey a 403 alone.
 */
export type StopStatus = 403 | 500;

export function licenseEnded(statusCode: StopStatus, code: LicenseCode) {
  const message = licenseMessages[code];
  return withStatus(statusCode, { status: "error", license_valid: false, code, message } as const);
}

/** Somebody else has the session, or an operator ended it. */
export function conflict<const Body extends object>(statusCode: StopStatus, body: Body) {
  return withStatus(statusCode, { status: "error", session_conflict: true, ...body } as const);
}

/** Nothing was written, and nobody else is said to have the session. */
export function withoutConflict<const Body extends object>(body: Body) {
  return {
    statusCode: 500,
    body: { status: "error", session_conflict: false, ...body },
  } as const;
}

/** Says of each status alone what it comes with, as the contract does. */
function withStatus<Body>(statusCode: StopStatus, body: Body) {
  return statusCode === 403 ? ({ statusCode, body } as const) : ({ statusCode, body } as const);
}
