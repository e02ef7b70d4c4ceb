import type { questions } from "../console-api.ts";

type Questions = typeof questions;

export type Answer<Name extends keyof Questions> = Awaited<ReturnType<Questions[Name]["answer"]>>;

/** What went wrong, as a sentence of the server. */
class AskError extends Error {
  override name = "AskError";
}

const stored = "license-sessions-token";

/** Takes the token off the address, so that it is neither seen nor kept by the browser. */
export function takeToken(): void {
  const [, token] = /^#token=([\w-]+)$/.exec(location.hash) ?? [];
  if (token === undefined) return;
  sessionStorage.setItem(stored, token);
  history.replaceState(null, "", "/");
}

/** The server's answer to a question, the same object as the verb's with `--json`. */
export async function ask<Name extends keyof Questions>(
  name: Name,
  body: object = {},
): Promise<Answer<Name>> {
  const response = await post(name, body);
  return response.json();
}

/** Previews or makes a change. @returns the lines of the answer, as they come */
export async function change(
  step: "preview" | "apply",
  body: object,
  onLine: (line: Record<string, unknown>) => void,
): Promise<void> {
  const response = await post(step, body);
  let text = "";
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    text += decoder.decode(part.value, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) onLine(JSON.parse(line));
  }
  if (text) onLine(JSON.parse(text));
}

async function post(name: string, body: object): Promise<Response> {
  const response = await fetch(`/api/${name}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${sessionStorage.getItem(stored) ?? ""}`,
    },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new AskError("The console does not answer: was its command ended?");
  });
  if (response.ok) return response;
  const { message } = await response.json();
  throw new AskError(message);
}
