import type { OutgoingHttpHeaders } from "node:http";
import type { Fields } from "./record.ts";
import type { Answer, Reply } from "./service.ts";
import { conflict, refusal } from "./sessions.ts";

/** The request is applied, and its answer is lost. */
export const lost: Reply = (usual, exchange) => {
  usual();
  exchange.fault = "applied, the connection reset";
  return { send: "reset" };
};

/** The request is not applied, and the connection is reset. */
export const reset: Reply = (_usual, exchange) => {
  exchange.fault = "connection reset";
  return { send: "reset" };
};

/** The request is not applied, and never answered. */
export const silent: Reply = (_usual, exchange) => {
  exchange.fault = "not answered";
  return { send: "nothing" };
};

/** The request is applied at once, and answered so much later. */
export function lateBy(seconds: number): Reply {
  return async (usual, exchange) => {
    const answer = usual();
    exchange.fault = `answered ${seconds} s late`;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    return answer;
  };
}

/** An answer of the service, instead of the one that it would give. */
export function answers(status: number, fields: Fields): Reply {
  return () => ({ send: "answer", status, fields });
}

/** Storage failed: nothing is confirmed. */
export const internalError: Reply = (_usual, { route }) => ({
  send: "answer",
  status: 500,
  fields: {
    ...(route === "claim" ? { license_valid: false } : { status: "error" }),
    session_conflict: false,
    code: "internal_error",
    message: "The service could not do it. Try again.",
    request_id: "check-bot",
  },
});

/** A page of somebody between the program and the service. */
export function page(status: number, headers: OutgoingHttpHeaders = {}, text = html): Reply {
  return () => ({
    send: "text",
    status,
    text,
    headers: { "content-type": "text/html; charset=utf-8", ...headers },
  });
}

/** The service's answer, changed. */
export function changed(change: (answer: Answer & { send: "answer" }) => Answer): Reply {
  return (usual) => {
    const answer = usual();
    return answer.send === "answer" ? change(answer) : answer;
  };
}

/** The service's answer with fields added, or, if undefined, left out. */
export function withFields(fields: Fields): Reply {
  return changed((answer) => ({ ...answer, fields: { ...answer.fields, ...fields } }));
}

/** A claim that is refused because the session is in use. */
export function inUse(waitSeconds: number, code?: string): Reply {
  return answers(403, conflict(waitSeconds, code));
}

/** A heartbeat that is refused because another has the session. */
export function takenBy(code: string): Reply {
  const { status, fields } = refusal(code, true);
  return answers(status, { ...fields, active_device: "desk..." });
}

const html = "<!doctype html><html><body><h1>Something else answers here</h1></body></html>";
