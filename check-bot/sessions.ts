import { randomUUID } from "node:crypto";
import type { Fields, Route } from "./record.ts";

/** The figures that a grant is answered with. */
export type Lease = { timeoutSeconds: number; heldForSeconds: number; intervalSeconds: number };

export type ServiceAnswer = { status: number; fields: Fields };

type Session = {
  id: string;
  token: number;
  run: unknown;
  number: unknown;
  confirmed: boolean;
  lapsesAtMs: number;
};

/**
 * The one session that a case's license has, under the rules that the service keeps for a single device.
 * What other devices and operators do is the script's, by the answers that it puts in.
 */
export function createSessions(initial: Lease, nowMs: () => number) {
  let lease = initial;
  let token = 40;
  let current: Session | undefined;
  const former = new Set<string>();

  return {
    handle: (route: Route, sent: Fields): ServiceAnswer => {
      if (route === "claim") return claim(sent);
      return route === "heartbeat" ? heartbeat(sent) : release(sent);
    },
    /** What is granted and confirmed from now on. */
    changeLease: (changed: Partial<Lease>) => {
      lease = { ...lease, ...changed };
    },
    /** The session is gone, and nobody has taken it. */
    forget: () => {
      if (current) former.add(current.id);
      current = undefined;
    },
    currentId: () => current?.id,
  };

  function claim(sent: Fields): ServiceAnswer {
    const { run_id: run = undefined, claim_number: number = undefined } = sent;
    const live = current !== undefined && nowMs() < current.lapsesAtMs ? current : undefined;
    if (live && run !== undefined && run === live.run) {
      if (number === live.number && !live.confirmed) return granted(live);
      if (Number(number) <= Number(live.number)) {
        return { status: 409, fields: late(live.lapsesAtMs) };
      }
    }
    if (
      live &&
      (sent.only_if_free === true ||
        (run === undefined && (live.confirmed || live.run !== undefined)))
    ) {
      const waitSeconds = Math.ceil((live.lapsesAtMs - nowMs()) / 1_000);
      return { status: 403, fields: { ...conflict(waitSeconds), held_by_this_device: true } };
    }
    if (current) former.add(current.id);
    token += 1;
    current = { id: randomUUID(), token, run, number, confirmed: false, lapsesAtMs: 0 };
    return granted(current);
  }

  function granted(session: Session): ServiceAnswer {
    session.lapsesAtMs = nowMs() + lease.timeoutSeconds * 1_000;
    return {
      status: 200,
      fields: {
        code: "granted",
        message: "The session is yours.",
        license_valid: true,
        session_conflict: false,
        license_type: "pro",
        expiry_date: null,
        active_symbols: [],
        session_id: session.id,
        fencing_token: session.token,
        session_timeout_seconds: lease.timeoutSeconds,
        heartbeat_interval_seconds: lease.intervalSeconds,
        held_for_seconds: lease.heldForSeconds,
      },
    };
  }

  function heartbeat({ session_id: id }: Fields): ServiceAnswer {
    const named = typeof id === "string";
    if (!current || (named && id !== current.id)) {
      const replaced = current !== undefined && named && former.has(id);
      return refusal(replaced ? "session_replaced" : "session_not_found", replaced);
    }
    if (!named && (current.confirmed || current.run !== undefined)) {
      return refusal("session_replaced", true);
    }
    if (named) current.confirmed = true;
    current.lapsesAtMs = nowMs() + lease.timeoutSeconds * 1_000;
    return {
      status: 200,
      fields: {
        status: "success",
        code: "recorded",
        message: "Recorded.",
        license_valid: true,
        session_conflict: false,
        active_symbols: [],
        license_expiration: null,
        days_until_expiration: null,
        hours_until_expiration: null,
        session_timeout_seconds: lease.timeoutSeconds,
        held_for_seconds: lease.heldForSeconds,
        fencing_token: current.token,
      },
    };
  }

  function release({ session_id: id, run_id: run, claim_number: number }: Fields): ServiceAnswer {
    const own =
      current &&
      (id === undefined
        ? run !== undefined && run === current.run && number === current.number
        : id === current.id);
    if (own) {
      if (current) former.add(current.id);
      current = undefined;
    }
    const fields = own
      ? { status: "success", code: "released", message: "Released." }
      : { status: "info", code: "not_held", message: "There was nothing to release." };
    return { status: 200, fields };
  }
}

/** A refused heartbeat, as the service says it. */
export function refusal(code: string, conflict: boolean): ServiceAnswer {
  return {
    status: 500,
    fields: { status: "error", code, message: code, session_conflict: conflict },
  };
}

/** A claim that is refused because another device holds the session. */
export function conflict(waitSeconds: number, code = "session_conflict"): Fields {
  return {
    code,
    message: `In use by another device. Try again in ${waitSeconds} s.`,
    license_valid: false,
    session_conflict: true,
    active_device: "desk...",
    held_by_this_device: false,
    estimated_wait_seconds: waitSeconds,
    holder: { device: "desk...", since_seconds: 600, last_heartbeat_seconds_ago: 3 },
  };
}

/** A claim that came later than another of its run. */
export function late(waitMs: number): Fields {
  return {
    code: "claim_late",
    message: "This attempt came too late.",
    license_valid: true,
    session_conflict: true,
    estimated_wait_seconds: Math.max(1, Math.ceil(waitMs / 1_000)),
  };
}
