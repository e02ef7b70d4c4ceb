import { randomUUID } from "node:crypto";
import { createClaimNames } from "../../clients/typescript/claim-names.ts";
import type { FetchFunction } from "../../clients/typescript/open-session.ts";
import type { Runtime } from "../../clients/typescript/runtime.ts";

/**
 * A world in which only the client's pauses take time: however slow the machine is, every request is
 * answered at the instant it is sent, and a pause is over at once.
 */
export function steppingRuntime(fetch: FetchFunction, baseUrl = "http://service.test"): Runtime {
  let nowMs = 0;
  const randomId = () => randomUUID().replaceAll("-", "");
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    random: () => 0,
    randomId,
    nextClaimName: createClaimNames(randomId),
    async pause(untilMs) {
      nowMs = Math.max(nowMs, untilMs);
    },
    async exchange(path, body, _untilMs, signal) {
      try {
        const response = await fetch(`${baseUrl}/${path}`, {
          method: "POST",
          headers: {},
          body,
          redirect: "error",
          signal,
          credentials: "omit",
          cache: "no-store",
          keepalive: false,
        });
        const headers: Record<string, string> = {};
        response.headers.forEach((value, name) => {
          headers[name] = value;
        });
        return { status: response.status, text: await response.text(), headers };
      } catch (cause) {
        return { problem: String(cause), cause };
      }
    },
  };
}
