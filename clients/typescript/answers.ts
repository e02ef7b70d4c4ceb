import { type End, LicenseRefused, RequestUnreadable, SessionRefused } from "./errors.ts";
import type { Exchange } from "./runtime.ts";

export type Granted = {
  kind: "granted";
  sessionId: string;
  fencingToken: number;
  sessionTimeoutMs: number;
  heartbeatIntervalMs: number;
};

/** Nothing is known of the session: what was asked may have been done or not. */
export type Trouble = { kind: "trouble"; problem: string };

export type ClaimOutcome = Granted | { kind: "refused"; error: Error } | Trouble;

export type HeartbeatOutcome =
  | { kind: "recorded"; sessionTimeoutMs: number | undefined }
  | { kind: "ended"; end: End }
  | { kind: "unreadable"; problem: string }
  | Trouble;

/**
 * What a claim's answer means. Only `code` decides: a 200 of a proxy grants nothing, a 403 of a
 * firewall ends nothing.
 */
export function judgeClaim(exchange: Exchange): ClaimOutcome {
  if ("problem" in exchange) return troubled(exchange);
  const { code, text, number } = read(exchange);
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
      };
    }
    case "session_conflict":
    case "session_limit":
      return refused(
        new SessionRefused(code, message, text("active_device"), number("estimated_wait_seconds")),
      );
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return refused(new LicenseRefused(code, message));
    case "bad_request":
      return refused(new RequestUnreadable(message, text("field")));
    default:
      return troubled(exchange);
  }
}

export function judgeHeartbeat(exchange: Exchange): HeartbeatOutcome {
  if ("problem" in exchange) return troubled(exchange);
  const { code, text, number } = read(exchange);
  switch (code) {
    case "recorded": {
      if (exchange.status !== 200) return troubled(exchange);
      const timeoutSeconds = number("session_timeout_seconds");
      return {
        kind: "recorded",
        sessionTimeoutMs: timeoutSeconds ? timeoutSeconds * 1_000 : undefined,
      };
    }
    case "session_taken":
    case "session_replaced": {
      const activeDevice = text("active_device");
      return ended({ reason: "taken", code, ...(activeDevice !== undefined && { activeDevice }) });
    }
    case "session_not_found":
      return ended({ reason: "lost", code });
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return ended({ reason: "license_ended", code });
    case "bad_request":
      return { kind: "unreadable", problem: `${code} ${text("field") ?? ""}`.trimEnd() };
    default:
      return troubled(exchange);
  }
}

/** `undefined` if the answer says nothing of the release. */
export function judgeRelease(exchange: Exchange): "released" | "not_held" | undefined {
  if ("problem" in exchange || exchange.status !== 200) return undefined;
  const { code } = read(exchange);
  return code === "released" || code === "not_held" ? code : undefined;
}

function refused(error: Error): ClaimOutcome {
  return { kind: "refused", error };
}

function ended(end: End): HeartbeatOutcome {
  return { kind: "ended", end };
}

function troubled(exchange: Exchange): Trouble {
  if ("problem" in exchange) return { kind: "trouble", problem: exchange.problem };
  const { code } = read(exchange);
  return { kind: "trouble", problem: code ?? `HTTP ${exchange.status}` };
}

function read({ body }: { body: unknown }) {
  const fields = new Map<string, unknown>(
    typeof body === "object" && body !== null ? Object.entries(body) : [],
  );
  const text = (name: string) => {
    const value = fields.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const number = (name: string) => {
    const value = fields.get(name);
    return typeof value === "number" && value >= 0 ? value : undefined;
  };
  return { code: text("code"), text, number };
}
