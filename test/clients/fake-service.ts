import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

const answers: Record<string, Record<string, unknown>> = {
  "/api/validate-license": {
    code: "granted",
    session_id: "session-1",
    fencing_token: 1,
    session_timeout_seconds: 6,
    heartbeat_interval_seconds: 1,
    held_for_seconds: 5,
  },
  "/api/heartbeat": { code: "recorded", session_timeout_seconds: 6, held_for_seconds: 5 },
  "/api/session/release": { code: "released" },
};

/** A service on a free port of this machine that answers 200 with what `answers` has for the path. */
export async function startFakeService() {
  const asked: string[] = [];
  const watchers = new Set<() => void>();
  const service = {
    url: "",
    asked,
    answers: structuredClone(answers) as Record<string, Record<string, unknown>>,
    /** Answers in its own way, if it is set. */
    instead: undefined as
      | ((response: ServerResponse, request: IncomingMessage) => void)
      | undefined,
    /** Resolves once the path was asked for so often. */
    wasAsked(path: string, times = 1): Promise<void> {
      return new Promise((resolve) => {
        const look = () => {
          if (asked.filter((other) => other === path).length < times) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
    /** Answers nothing of this path until the function that it returns is called. */
    holdBack(path: string): () => void {
      const unanswered: ServerResponse[] = [];
      service.instead = (response, { url = "" }) => {
        if (url === path) unanswered.push(response);
        else service.answer(response, url);
      };
      return () => {
        for (const response of unanswered.splice(0)) service.answer(response, path);
      };
    },
    answer(response: ServerResponse, path: string) {
      response.end(JSON.stringify(service.answers[path]));
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    for (const look of watchers) look();
    if (service.instead) service.instead(response, request);
    else service.answer(response, path);
    // Only now: what answers in its own way may read it.
    request.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  service.url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  return service;
}
