import { codesOf, routes } from "../../contract/routes.ts";

/** The routes that a deployed bot of the old server calls. */
export const legacyPaths = [
  "/api/validate-license",
  "/api/heartbeat",
  "/api/session/release",
] as const;

/**
 * What answers: nobody at all, a server that fails (5xx), a license service (JSON), or anything else,
 * such as an error page of a web server or of a hosting company.
 */
type Answering = "nobody" | "failure" | "service" | "something else";

export type AddressAnswer = {
  path: string;
  answering: Answering;
  /** `null` without an answer. */
  status: number | null;
  /** What a running bot of the old server makes of it. */
  effect: string;
};

/** Those bots give up after this. */
const waitMs = 5_000;

/**
 * Asks an address as a bot of the old server does, with a key that nobody has. The requests change
 * nothing: a claim of an unknown key is refused, and so are its heartbeat and its release.
 */
export async function askAddress(url: string, path: string): Promise<AddressAnswer> {
  const body = JSON.stringify({
    license_key: "CHECK-ADDRESS-KEY-OF-NOBODY",
    device_fingerprint: "check-address-0123456789",
  });
  try {
    const response = await fetch(url.replace(/\/+$/, "") + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(waitMs),
    });
    const { status } = response;
    const answering = whoAnswers(status, await response.text());
    return { path, answering, status, effect: effectOf(answering, status) };
  } catch {
    return { path, answering: "nobody", status: null, effect: effectOf("nobody", 0) };
  }
}

function whoAnswers(status: number, text: string): Answering {
  if (isOfService(text)) return "service";
  return status >= 500 ? "failure" : "something else";
}

/** The contract's. A host or a gateway answers in JSON, too, with a `code` and a `status` of its own. */
const textsOfServices = {
  code: new Set<unknown>(routes.flatMap(({ answers }) => answers.flatMap(codesOf))),
  status: new Set<unknown>(["success", "error", "info"]),
};

function isOfService(text: string): boolean {
  try {
    const { license_valid, session_conflict, code, status } = JSON.parse(text) ?? {};
    return (
      typeof license_valid === "boolean" ||
      typeof session_conflict === "boolean" ||
      textsOfServices.code.has(code) ||
      textsOfServices.status.has(status)
    );
  } catch {
    return false;
  }
}

function effectOf(answering: Answering, status: number): string {
  switch (answering) {
    case "nobody":
    case "failure":
      return "running bots carry on";
    case "service":
      return "a license service answers: running bots do what it says";
    case "something else":
      return somethingElse(status);
  }
}

function somethingElse(status: number): string {
  if (status === 403) return "ENDS running bots: a 403 is the end to them, whatever it says";
  if (status === 401) return "STOPS running bots at their next check, within 5 minutes";
  if (status >= 300 && status < 400) return "a redirect turns their POST into a GET: not safe";
  if (status === 200) return "a 200 that is no answer of a service: not safe";
  return "running bots carry on at a heartbeat, and nobody can start: not safe at their check";
}
