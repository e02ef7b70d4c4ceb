import { releasePath } from "./requests.ts";
import type { Answer, NoAnswer } from "./runtime.ts";
import { version } from "./version.ts";

/** The part of `fetch` that the client uses, so that other implementations such as undici's fit. */
export type FetchFunction = (
  url: string,
  init: {
    method: "POST";
    headers: Record<string, string>;
    body: string;
    redirect: "error";
    credentials: "omit";
    cache: "no-store";
    keepalive: boolean;
    signal: AbortSignal;
  },
) => Promise<FetchAnswer>;

export type FetchAnswer = {
  status: number;
  headers: { forEach(take: (value: string, name: string) => void): void };
  body: unknown;
  text(): Promise<string>;
};

/** The service's own answers have a few hundred bytes. */
export const maxAnswerBytes = 64 * 1_024;

/**
 * The address below which the routes are, with a slash at its end.
 *
 * @throws TypeError if it is no http or https address, or has what an address of the service has not
 */
export function baseUrl(url: unknown): URL {
  if (url === undefined) throw new TypeError(`url is missing: ${expectedUrl}`);
  // A URL may be of another window or of a polyfill.
  const given: unknown = typeof url === "object" && url && "href" in url ? url.href : url;
  if (typeof given !== "string")
    throw new TypeError(
      `url is ${given === null ? "null" : `of type ${typeof given}`}: ${expectedUrl}`,
    );
  const text = given.trim();
  const base = parsedUrl(text);
  // What can't be read may hold a password, too.
  const quoted = text.includes("@") ? "not shown, as it may hold a password" : `"${text}"`;
  if (!base || !/^https?:$/.test(base.protocol) || /[\s\\]/.test(text))
    throw new TypeError(`url is ${quoted}: ${expectedUrl}`);
  if (base.username !== "" || base.password !== "")
    throw new TypeError(
      `url has a user name or a password, which the service does not take: ${expectedUrl}`,
    );
  if (/[?#]/.test(text))
    throw new TypeError(
      `url has a query or a fragment (${text.replace(/^[^?#]*/, "")}): ${expectedUrl}`,
    );
  base.pathname = base.pathname.replace(/\/*$/, "/");
  return base;
}

const expectedUrl =
  "it must be the address of the license service, such as https://abc123.execute-api.eu-central-1.amazonaws.com";

function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Posts JSON text and resolves with the outcome, at the latest when the signal fires. */
export async function post(
  url: URL,
  text: string,
  fetchFunction: FetchFunction,
  signal: AbortSignal,
): Promise<Answer | NoAnswer> {
  try {
    const answer = await fetchFunction(url.href, {
      method: "POST",
      headers: { "content-type": "application/json", ...ownHeaders() },
      body: text,
      // A redirect would turn the POST into a GET.
      redirect: "error",
      credentials: "omit",
      cache: "no-store",
      // A release may outlive the page that sends it. A claim or a heartbeat should not.
      keepalive: url.pathname.endsWith(releasePath),
      signal,
    });
    const headers: Record<string, string> = {};
    answer.headers.forEach((value, name) => {
      headers[name.toLowerCase()] = value;
    });
    return { status: answer.status, text: await textOf(answer), headers };
  } catch (error) {
    return inWords(error);
  }
}

/** Empty in a browser, which sends its own and would need a preflight for another. */
function ownHeaders(): Record<string, string> {
  const isBrowser = "window" in globalThis || "WorkerGlobalScope" in globalThis;
  if (isBrowser) return {};
  return {
    "user-agent": `license-session-typescript/${version}`,
    // Each request looks up the name and makes a connection of its own. A kept one may lead to an
    // address that the service has left.
    connection: "close",
  };
}

type Chunks = {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
};

/** @throws Error if the body is longer than any answer of the service */
async function textOf(answer: FetchAnswer): Promise<string> {
  const chunks = chunksOf(answer.body);
  if (!chunks) return answer.text();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await chunks.read();
    if (done) return text + decoder.decode();
    bytes += value?.length ?? 0;
    if (bytes > maxAnswerBytes) {
      chunks.cancel().catch(() => {});
      throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Not every `fetch` has a body that can be read in chunks. */
function chunksOf(body: unknown): Chunks | undefined {
  if (typeof body !== "object" || body === null || !("getReader" in body)) return undefined;
  return typeof body.getReader === "function" ? body.getReader() : undefined;
}

/** Errors that no other attempt can avoid: of the certificate, or of a server without today's TLS. */
const lastingCode =
  /^(CERT_(?!NOT_YET_VALID)|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET_ISSUER)|HOSTNAME_MISMATCH|ERR_SSL_(.*PROTOCOL|WRONG_VERSION|.*HANDSHAKE_FAILURE))/;

function inWords(error: unknown): NoAnswer {
  if (!(error instanceof Error)) return { problem: String(error), cause: error };
  // Node.js reports only "fetch failed"; what happened is the cause, or the cause of that.
  let cause = error;
  while (cause.cause instanceof Error) cause = cause.cause;
  const code = "code" in cause ? String(cause.code) : "";
  // The message is empty if the addresses of a name failed in different ways. OpenSSL's is a dump.
  const isDump = /^[0-9A-F]+:error:/.test(cause.message);
  const problem = (isDump ? code : cause.message.trim()) || code || cause.name;
  return { problem, cause: error, ...(lastingCode.test(code) && { lasting: true }) };
}
