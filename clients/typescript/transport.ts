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

/** @throws TypeError if the URL is invalid, or neither http nor https */
export function baseUrl(url: string | URL): URL {
  const base = new URL(url);
  if (!/^https?:$/.test(base.protocol))
    throw new TypeError(`url begins with ${base.protocol}: it must be http: or https:`);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
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
      headers: { "content-type": "application/json", ...userAgent() },
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

/** Empty in a browser, which sends its own user agent and would need a preflight for another. */
function userAgent(): Record<string, string> {
  const isBrowser = "window" in globalThis || "WorkerGlobalScope" in globalThis;
  return isBrowser ? {} : { "user-agent": `license-session-typescript/${version}` };
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

function inWords(error: unknown): NoAnswer {
  if (!(error instanceof Error)) return { problem: String(error), cause: error };
  // Node.js reports only "fetch failed"; the actual error is the cause.
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = "code" in cause ? String(cause.code) : undefined;
  // The message is empty if the addresses of a name failed in different ways.
  return { problem: cause.message || code || cause.name, cause: error };
}
