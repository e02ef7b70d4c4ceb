import {
  type End,
  type ErrorFacts,
  LicenseRefused,
  type LicenseSessionError,
  RequestUnreadable,
  ServiceNotFound,
  SessionRefused,
} from "./errors.ts";
import { claimPath } from "./requests.ts";
import type { Answer, Exchange } from "./runtime.ts";
import type { License } from "./session.ts";

export type Granted = {
  kind: "granted";
  sessionId: string;
  fencingToken: number;
  sessionTimeoutMs: number;
  heartbeatIntervalMs: number;
  license: License;
};

/** The state of the session is unknown: the request may or may not have been carried out. */
export type Trouble = ErrorFacts & {
  kind: "trouble";
  problem: string;
  /** How long to wait before the next request, if the answer says so. */
  retryAfterMs?: number | undefined;
  /** Whether the request certainly never left this machine. */
  unsent?: boolean | undefined;
};

export type ClaimAnswer =
  | Granted
  | { kind: "available"; license: License }
  | { kind: "refused"; error: LicenseSessionError }
  | Trouble;

export type HeartbeatAnswer =
  | {
      kind: "recorded";
      sessionTimeoutMs: number | undefined;
      license: Omit<License, "type">;
    }
  | { kind: "ended"; end: End }
  | { kind: "unreadable"; problem: string }
  | Trouble;

/**
 * Interprets the answer to a claim. Only `code` counts: a proxy's 200 grants nothing, and a
 * firewall's 403 ends nothing.
 */
export function readClaimAnswer(exchange: Exchange): ClaimAnswer {
  if ("problem" in exchange) return troubled(exchange);
  const { code, text, number, facts } = read(exchange);
  const message = text("message") ?? String(code);
  switch (code) {
    case "granted": {
      const sessionId = text("session_id");
      const fencingToken = number("fencing_token");
      const timeoutSeconds = number("session_timeout_seconds");
      if (exchange.status !== 200) return troubled(exchange);
      if (!sessionId || fencingToken === undefined || !timeoutSeconds) return troubled(exchange);
      const intervalSeconds = number("heartbeat_interval_seconds") || timeoutSeconds / 3;
      return {
        kind: "granted",
        sessionId,
        fencingToken,
        sessionTimeoutMs: timeoutSeconds * 1_000,
        heartbeatIntervalMs: intervalSeconds * 1_000,
        license: licenseOf(exchange, "expiry_date"),
      };
    }
    case "available":
      if (exchange.status !== 200) return troubled(exchange);
      return { kind: "available", license: licenseOf(exchange, "expiry_date") };
    case "session_conflict":
    case "session_limit":
      return refused(
        new SessionRefused(code, message, {
          ...facts,
          activeDevice: text("active_device"),
          waitSeconds: number("estimated_wait_seconds"),
        }),
      );
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return refused(new LicenseRefused(code, message, facts));
    case "bad_request":
      return refused(new RequestUnreadable(message, { ...facts, field: text("field") }));
    case undefined:
      // A gateway or web server that does not know the route. A retry would not help.
      if (exchange.status === 404) return refused(new ServiceNotFound(claimPath, facts));
      return troubled(exchange);
    default:
      return troubled(exchange);
  }
}

export function readHeartbeatAnswer(exchange: Exchange): HeartbeatAnswer {
  if ("problem" in exchange) return troubled(exchange);
  const { code, text, number } = read(exchange);
  switch (code) {
    case "recorded": {
      if (exchange.status !== 200) return troubled(exchange);
      const timeoutSeconds = number("session_timeout_seconds");
      return {
        kind: "recorded",
        sessionTimeoutMs: timeoutSeconds ? timeoutSeconds * 1_000 : undefined,
        license: licenseOf(exchange, "license_expiration"),
      };
    }
    case "session_taken":
    case "session_replaced":
    case "session_ended": {
      const activeDevice = text("active_device");
      return ended({ reason: "taken", code, ...(activeDevice !== undefined && { activeDevice }) });
    }
    case "session_not_found":
      return ended({ reason: "lost", code });
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return ended({ reason: "license_ended", code });
    case "bad_request":
      return { kind: "unreadable", problem: `${code} ${text("field") ?? ""}`.trimEnd() };
    default:
      // Includes `heartbeat_late` and `internal_error`, which neither confirm nor end anything.
      return troubled(exchange);
  }
}

/** `undefined` if the answer does not say whether the session was released. */
export function readReleaseAnswer(exchange: Exchange): "released" | "not_held" | undefined {
  if ("problem" in exchange || exchange.status !== 200) return undefined;
  const { code } = read(exchange);
  return code === "released" || code === "not_held" ? code : undefined;
}

function refused(error: LicenseSessionError): ClaimAnswer {
  return { kind: "refused", error };
}

function ended(end: End): HeartbeatAnswer {
  return { kind: "ended", end };
}

function troubled(exchange: Exchange): Trouble {
  if ("problem" in exchange) return { kind: "trouble", ...exchange };
  const { code, facts } = read(exchange);
  return {
    kind: "trouble",
    problem: code ?? `HTTP ${exchange.status}`,
    ...facts,
    retryAfterMs: retryAfterMs(exchange),
  };
}

/** Reads only the form in seconds. A date would depend on two wall clocks. */
function retryAfterMs({ headers }: Answer): number | undefined {
  const value = headers["retry-after"] ?? "";
  return /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}

function licenseOf(answer: Answer, expiryField: "expiry_date" | "license_expiration"): License {
  const { text, texts } = read(answer);
  const expiresMs = Date.parse(text(expiryField) ?? "");
  return {
    type: text("license_type"),
    expiresAt: Number.isNaN(expiresMs) ? undefined : new Date(expiresMs),
    activeSymbols: texts("active_symbols"),
  };
}

function read({ status, text: body, headers }: Answer) {
  const parsed = parsedJson(body);
  const fields = new Map<string, unknown>(
    typeof parsed === "object" && parsed !== null ? Object.entries(parsed) : [],
  );
  const text = (name: string) => {
    const value = fields.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const number = (name: string) => {
    const value = fields.get(name);
    // JSON may contain 1e999, which parses as Infinity.
    return typeof value === "number" && value >= 0 && value < 2 ** 53 ? value : undefined;
  };
  const texts = (name: string) => {
    const value = fields.get(name);
    return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
  };
  const facts: ErrorFacts = {
    status,
    requestId: text("request_id") ?? headers["apigw-requestid"],
  };
  return { code: text("code"), text, number, texts, facts };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
