import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { Exchange, Fields, Route } from "./record.ts";
import { createSessions, type Lease, type ServiceAnswer } from "./sessions.ts";

/** What is sent back for a request. */
export type Answer =
  | { send: "answer"; status: number; fields: Fields; type?: string; headers?: OutgoingHttpHeaders }
  | { send: "text"; status: number; text: string; headers: OutgoingHttpHeaders }
  /** The whole answer twice, as a broken proxy sends it. */
  | { send: "twice"; status: number; fields: Fields }
  /** An answer that does not end. */
  | { send: "flood"; bytes: number }
  | { send: "reset" }
  | { send: "nothing" };

/** How a request is answered. `usual` applies it as the service would, and gives the service's answer. */
export type Reply = (usual: () => Answer, exchange: Exchange) => Answer | Promise<Answer>;

export type Service = ReturnType<typeof createService>;

const paths: Readonly<Record<string, Route>> = {
  "/api/validate-license": "claim",
  "/api/heartbeat": "heartbeat",
  "/api/session/release": "release",
};

/**
 * The service of one case: it keeps sessions as the real one does, and a script puts faults in.
 *
 * @param lease of each grant, unless the script changes it
 * @param nowMs the case's clock
 * @param record gets each request as it arrives
 */
export function createService(lease: Lease, nowMs: () => number, record: Exchange[]) {
  const sessions = createSessions(lease, nowMs);
  const always: Partial<Record<Route, Reply>> = {};
  const next: Record<Route, Reply[]> = { claim: [], heartbeat: [], release: [] };
  const watchers = new Set<() => void>();
  const doors: ReturnType<typeof createDoor>[] = [];

  return {
    sessions,
    /** Each program comes by an address of its own, so that it is known which of them asks. */
    openDoor: async () => {
      const door = createDoor(answerTo(doors.length));
      doors.push(door);
      await door.open();
      return door;
    },
    /** Requests of the route are answered so, once for each reply. */
    next: (route: Route, ...replies: Reply[]) => void next[route].push(...replies),
    /** Requests of the routes are answered so, until `usually`. */
    always: (reply: Reply, ...routes: Route[]) => {
      for (const route of routes) always[route] = reply;
    },
    usually: (...routes: Route[]) => {
      for (const route of routes) delete always[route];
    },
    /** Called whenever a request arrived or was answered. */
    watch: (watcher: () => void) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    stop: () => Promise.all(doors.map((door) => door.shut())),
  };

  function answerTo(program: number) {
    return async (request: IncomingMessage, response: ServerResponse) => {
      const askedAtMs = nowMs();
      const sent = await bodyOf(request);
      const route = paths[(request.url ?? "").replace(/\/$/, "")];
      // What a followed redirect asks for: a page of somebody else.
      if (route === undefined || request.method !== "POST" || sent === undefined) {
        response.writeHead(200, { "content-type": "text/html" });
        response.end("<html><body>Please sign in to this network.</body></html>");
        return;
      }
      const exchange: Exchange = { program, route, askedAtMs, sent };
      record.push(exchange);
      const reply = next[route].shift() ?? always[route];
      const usual = () => usualAnswer(sessions.handle(route, sent));
      const pending = reply?.(usual, exchange) ?? usual();
      for (const watcher of [...watchers]) watcher();
      const answer = await pending;
      if (!response.destroyed && !request.socket.destroyed) {
        send(answer, response);
        const isSent = answer.send !== "reset" && answer.send !== "nothing";
        if (isSent) exchange.answer = { atMs: nowMs(), ...answerRecord(exchange, answer) };
      } else {
        exchange.fault ??= "answered after the program had given up";
      }
      for (const watcher of [...watchers]) watcher();
    };
  }
}

function usualAnswer({ status, fields }: ServiceAnswer): Answer {
  return { send: "answer", status, fields };
}

async function bodyOf(request: IncomingMessage): Promise<Fields | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8").replace(/\0+$/, ""));
    return isFields(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Only a 200 of the service that names a usable time gives a right. */
function answerRecord({ route }: Exchange, answer: Answer) {
  if (answer.send !== "answer") {
    const status = "status" in answer ? answer.status : 200;
    const twice = answer.send === "twice" ? rightOf(answer.fields) : {};
    return { status, code: "", ...twice };
  }
  const { status, fields } = answer;
  const code = typeof fields.code === "string" ? fields.code : "";
  const grants = status === 200 && code === (route === "claim" ? "granted" : "recorded");
  const session = typeof fields.session_id === "string" ? { sessionId: fields.session_id } : {};
  return { status, code, ...session, ...(grants ? rightOf(fields) : {}) };
}

function rightOf({ held_for_seconds: seconds }: Fields): { heldForMs?: number } {
  return typeof seconds === "number" && seconds > 0 ? { heldForMs: seconds * 1_000 } : {};
}

function send(answer: Answer, response: ServerResponse): void {
  switch (answer.send) {
    case "answer": {
      response.writeHead(answer.status, {
        "content-type": answer.type ?? "application/json",
        ...answer.headers,
      });
      response.end(JSON.stringify(answer.fields));
      return;
    }
    case "text":
      response.writeHead(answer.status, answer.headers);
      response.end(answer.text);
      return;
    case "twice": {
      const text = JSON.stringify(answer.fields);
      const whole = [
        `HTTP/1.1 ${answer.status} OK`,
        "content-type: application/json",
        `content-length: ${Buffer.byteLength(text)}`,
        "connection: keep-alive",
        "",
        text,
      ].join("\r\n");
      response.socket?.write(`${whole}${whole}`);
      return;
    }
    case "flood":
      response.writeHead(200, { "content-type": "application/json" });
      flood(response, answer.bytes);
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "nothing":
      return;
  }
}

function flood(response: ServerResponse, bytes: number): void {
  const chunk = " ".repeat(65_536);
  let left = bytes;
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", more);
        return;
      }
    }
    response.end("no JSON");
  };
  more();
}

/** A port that can be shut, so that connections are refused, and opened again. */
function createDoor(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>) {
  let server: Server | undefined;
  let port = 0;
  const sockets = new Set<Socket>();
  const door = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    open: async () => {
      for (let attempt = 1; ; attempt++) {
        const opening = createServer((request, response) => void answer(request, response));
        opening.on("connection", (socket: Socket) => {
          sockets.add(socket);
          socket.on("close", () => sockets.delete(socket));
        });
        // Below the ports of outgoing connections, one of which could take this one while it is shut.
        const wanted = port || 15_000 + Math.floor(Math.random() * 15_000);
        opening.listen(wanted, "127.0.0.1");
        try {
          await once(opening, "listening");
        } catch (error) {
          if (attempt > 20) throw error;
          await new Promise((resolve) => setTimeout(resolve, port ? 50 : 0));
          continue;
        }
        opening.keepAliveTimeout = 60_000;
        port = wanted;
        server = opening;
        return;
      }
    },
    shut: async () => {
      const shutting = server;
      server = undefined;
      if (!shutting) return;
      const closed = new Promise((resolve) => shutting.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return door;
}
