import {
  type Blocked,
  type End,
  type ErrorFacts,
  type Holder,
  LicenseRefused,
  type LicenseSessionError,
  RequestUnreadable,
  ServiceNotFound,
  SessionRefused,
} from "./errors.ts";
import { claimPath } from "./requests.ts";
import type { Answer, Exchange } from "./runtime.ts";
import type { License, ReleaseRequest, SymbolLoss, SymbolLossCode } from "./session.ts";

export type Granted = Lease & {
  kind: "granted";
  sessionId: string;
  fencingToken: number;
  heartbeatIntervalMs: number;
  license: License;
};

/** The state of the session is unknown: the request may or may not have been carried out. */
export type Trouble = ErrorFacts & {
  kind: "trouble";
  problem: string;
  /** How long to wait before the next request, if the answer says so. */
  retryAfterMs?: number | undefined;
  /** Set if no other attempt can succeed either. */
  lasting?: boolean | undefined;
};

export type ClaimAnswer =
  | Granted
  | { kind: "available"; license: License }
  | { kind: "refused"; error: LicenseSessionError }
  | Trouble;

/** How long a session and the right to it last, from the sending of the request. */
export type Lease = { sessionTimeoutMs: number; heldForMs: number };

export type HeartbeatAnswer =
  | (Lease & {
      kind: "recorded";
      license: Omit<License, "type">;
      releaseRequest?: ReleaseRequest;
    })
  /** Of several symbols, some are lost; the lease is that of the others. */
  | {
      kind: "part_lost";
      held: readonly string[];
      lost: readonly SymbolLoss[];
      lease: Lease | undefined;
      releaseRequest?: ReleaseRequest;
      trouble: Trouble;
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
  const answer = read(exchange);
  const { code, text, number, facts } = answer;
  const message = text("message") ?? String(code);
  switch (code) {
    case "granted": {
      const sessionId = text("session_id");
      const fencingToken = number("fencing_token");
      const lease = leaseOf(answer);
      const heartbeatIntervalMs = lease && intervalOf(answer, lease.sessionTimeoutMs);
      if (exchange.status !== 200 || !sessionId || !Number.isInteger(fencingToken))
        return troubled(exchange);
      if (fencingToken === undefined || !lease || !heartbeatIntervalMs) return troubled(exchange);
      const license = licenseOf(answer, "expiry_date");
      return { kind: "granted", sessionId, fencingToken, ...lease, heartbeatIntervalMs, license };
    }
    case "available":
      if (exchange.status !== 200) return troubled(exchange);
      return { kind: "available", license: licenseOf(answer, "expiry_date") };
    case "session_conflict":
    case "session_limit":
    case "claim_late":
    case "session_ended":
      return refused(
        new SessionRefused(code, message, {
          ...facts,
          ...holderFactsOf(answer),
          blocked: answer.records("blocked")?.flatMap(blockedOf),
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
  const answer = read(exchange);
  const { code, text } = answer;
  const activeDevice = text("active_device");
  switch (code) {
    case "recorded": {
      const lease = leaseOf(answer);
      if (exchange.status !== 200 || !lease) return troubled(exchange);
      const license = licenseOf(answer, "license_expiration");
      return { kind: code, ...lease, license, ...releaseRequestOf(answer) };
    }
    case "session_taken":
    case "session_replaced":
    case "session_ended":
    case "session_not_found": {
      const held = answer.texts("symbols_held");
      if (held.length > 0) {
        const lost = answer.records("symbols_lost")?.flatMap(lossOf) ?? [];
        const lease = leaseOf(answer);
        const trouble = troubled(exchange);
        return { kind: "part_lost", held, lost, lease, ...releaseRequestOf(answer), trouble };
      }
      return ended({
        reason: reasonOf(code),
        code,
        // Nobody has a session that does not exist.
        ...(code !== "session_not_found" && activeDevice !== undefined && { activeDevice }),
      });
    }
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return ended({ reason: "license_ended", code });
    case "bad_request":
      return { kind: "unreadable", problem: `${code} ${text("field") ?? ""}`.trimEnd() };
    case undefined:
      // A gateway lets only so much through, and only the report can be that long.
      if (exchange.status === 413) return { kind: "unreadable", problem: "HTTP 413" };
      return troubled(exchange);
    default:
      // Includes `heartbeat_late` and `internal_error`, which neither confirm nor end anything.
      return troubled(exchange);
  }
}

/** `undefined` if the answer does not say what became of the session. */
export function readReleaseAnswer(
  exchange: Exchange,
): "released" | "not_held" | "left_to_lapse" | undefined {
  if ("problem" in exchange || exchange.status !== 200) return undefined;
  const { code } = read(exchange);
  switch (code) {
    case "released":
    case "not_held":
    case "left_to_lapse":
      return code;
    default:
      return undefined;
  }
}

/**
 * The length of the session and of the right; `undefined` unless both make sense. Whatever else a
 * broken service names would freeze the program or grant more than there is.
 */
function leaseOf({ number }: Fields): Lease | undefined {
  const timeoutSeconds = number("session_timeout_seconds") ?? 0;
  const heldForSeconds = number("held_for_seconds") ?? 0;
  const isSane = timeoutSeconds >= 1 && timeoutSeconds <= 86_400;
  if (!isSane || heldForSeconds <= 0 || heldForSeconds > timeoutSeconds) return undefined;
  return { sessionTimeoutMs: timeoutSeconds * 1_000, heldForMs: heldForSeconds * 1_000 };
}

/** A third of the timeout if none is named; `undefined` if it makes no sense. */
function intervalOf({ has, number }: Fields, sessionTimeoutMs: number): number | undefined {
  if (!has("heartbeat_interval_seconds")) return sessionTimeoutMs / 3;
  const intervalMs = (number("heartbeat_interval_seconds") ?? 0) * 1_000;
  const leastMs = Math.max(200, sessionTimeoutMs / 10);
  return intervalMs >= leastMs && intervalMs <= sessionTimeoutMs / 2 ? intervalMs : undefined;
}

function holderFactsOf({ text, number, flag, record }: Fields) {
  return {
    holder: holderOf(record("holder")),
    activeDevice: text("active_device"),
    waitSeconds: number("estimated_wait_seconds"),
    heldByThisDevice: flag("held_by_this_device"),
    holderAsked: flag("holder_asked"),
    holderTold: flag("holder_told"),
    holderKeeps: flag("holder_keeps"),
  };
}

function blockedOf(fields: Fields): Blocked[] {
  const symbol = fields.text("symbol");
  return symbol === undefined ? [] : [{ symbol, ...holderFactsOf(fields) }];
}

function holderOf(fields: Fields | undefined): Holder | undefined {
  const device = fields?.text("device");
  if (!fields || device === undefined) return undefined;
  return {
    device,
    sinceSeconds: fields.number("since_seconds"),
    lastHeartbeatSecondsAgo: fields.number("last_heartbeat_seconds_ago"),
    status: fields.text("status"),
  };
}

function lossOf({ text }: Fields): SymbolLoss[] {
  const [symbol, code] = [text("symbol"), lossCodeOf(text("code"))];
  const activeDevice = text("active_device");
  if (symbol === undefined) return [];
  return [{ symbol, code, ...(activeDevice !== undefined && { activeDevice }) }];
}

const takenCodes = ["session_taken", "session_replaced", "session_ended"] as const;

function lossCodeOf(code: string | undefined): SymbolLossCode {
  return takenCodes.find((known) => known === code) ?? "session_not_found";
}

export function reasonOf(code: SymbolLossCode): "taken" | "lost" {
  return code === "session_not_found" ? "lost" : "taken";
}

function releaseRequestOf({ text, number, has, texts }: Fields) {
  const device = text("release_asked_by");
  if (device === undefined) return {};
  const secondsAgo = number("release_asked_seconds_ago") ?? 0;
  const symbols = has("release_asked_symbols") ? texts("release_asked_symbols") : undefined;
  return { releaseRequest: { device, secondsAgo, ...(symbols && { symbols }) } };
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

function licenseOf(
  { text, texts }: Fields,
  expiryField: "expiry_date" | "license_expiration",
): License {
  const expiresMs = Date.parse(text(expiryField) ?? "");
  return {
    type: text("license_type"),
    expiresAt: Number.isNaN(expiresMs) ? undefined : new Date(expiresMs),
    activeSymbols: texts("active_symbols"),
  };
}

type Fields = {
  has(name: string): boolean;
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  /** Its texts; none if it is no list. */
  texts(name: string): string[];
  record(name: string): Fields | undefined;
  records(name: string): Fields[] | undefined;
};

function read({ status, text: body, headers }: Answer) {
  const fields = fieldsOf(parsedJson(body));
  const facts: ErrorFacts = {
    status,
    requestId: fields.text("request_id") ?? headers["apigw-requestid"],
  };
  return { ...fields, code: fields.text("code"), facts };
}

/** Reads the fields of an object; of anything else, none. */
function fieldsOf(value: unknown): Fields {
  const fields = new Map<string, unknown>(isObject(value) ? Object.entries(value) : []);
  const list = (name: string) => {
    const entries = fields.get(name);
    return Array.isArray(entries) ? entries : undefined;
  };
  return {
    has: (name) => (fields.get(name) ?? null) !== null,
    text: (name) => {
      const text = fields.get(name);
      return typeof text === "string" ? text : undefined;
    },
    number: (name) => {
      const number = fields.get(name);
      // JSON may contain 1e999, which parses as Infinity.
      return typeof number === "number" && number >= 0 && number < 2 ** 53 ? number : undefined;
    },
    flag: (name) => {
      const flag = fields.get(name);
      return typeof flag === "boolean" ? flag : undefined;
    },
    texts: (name) => (list(name) ?? []).filter((entry) => typeof entry === "string"),
    record: (name) => {
      const record = fields.get(name);
      return isObject(record) ? fieldsOf(record) : undefined;
    },
    records: (name) => list(name)?.filter(isObject).map(fieldsOf),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
