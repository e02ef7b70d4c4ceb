import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { sentenceOf } from "../data/explain-aws-error.ts";
import { CommandEnd, CommandError } from "../terminal/command-error.ts";
import { type ConsoleDesk, openChanges, questions } from "./console-api.ts";
import { refuseForeign, refuseStranger, securityHeaders } from "./guard-request.ts";
import type { PageFiles } from "./page-files.ts";

/** A request is a few words, or the symbols of a session. */
const longestBody = 32_768;

type ServedConsole = {
  /** The address of the page, with its token. */
  address: string;
  close(): Promise<void>;
};

/**
 * Serves the console on this machine alone: the page to anybody, and what it asks to those with the
 * token of the printed address.
 */
export async function serveConsole(
  desk: ConsoleDesk,
  files: PageFiles,
  port: number,
): Promise<ServedConsole> {
  const token = randomBytes(24).toString("base64url");
  const changes = openChanges(desk);
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  server.listen(port, "127.0.0.1");
  await Promise.race([
    once(server, "listening"),
    once(server, "error").then(([error]) => {
      throw new CommandError(`The console can't listen on port ${port} (${error.code}).`);
    }),
  ]);
  const address = server.address();
  const ownPort = typeof address === "object" && address ? address.port : port;
  return {
    // Behind the # it is sent to nobody; the page takes it off the address at once.
    address: `http://127.0.0.1:${ownPort}/#token=${token}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = files[pathname];
    const refusal =
      refuseForeign(request, ownPort) ?? (file ? undefined : refuseStranger(request, token));
    if (refusal) return answerJson(response, refusal.status, { message: refusal.message });
    if (file && request.method === "GET") {
      response.writeHead(200, { "content-type": file.type });
      response.end(file.text);
      return;
    }
    if (request.method !== "POST") {
      return answerJson(response, 405, { message: "The console's requests are POSTs." });
    }
    try {
      await answerAsked(pathname, await bodyOf(request), response);
    } catch (error) {
      const sentence =
        error instanceof CommandEnd
          ? error.message
          : error instanceof Error && sentenceOf(error, desk.table);
      const message = sentence || "The console failed at this; the terminal has more.";
      if (!sentence) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      if (response.headersSent) response.end(`${JSON.stringify({ failure: message })}\n`);
      else answerJson(response, error instanceof CommandEnd ? 409 : 502, { message });
    }
  }

  async function answerAsked(
    pathname: string,
    body: unknown,
    response: ServerResponse,
  ): Promise<void> {
    const name = pathname.replace(/^\/api\//, "");
    if (name === "preview") {
      return answerJson(response, 200, await changes.preview(body));
    }
    if (name === "apply") {
      // In lines, because a new key must arrive before it is put to use.
      await changes.apply(body, (view) => sendLine(response, view));
      response.end();
      return;
    }
    if (!isQuestion(name)) return answerJson(response, 404, { message: "There is no such page." });
    answerJson(response, 200, await questions[name].answer(desk, body));
  }
}

function isQuestion(name: string): name is keyof typeof questions {
  return Object.hasOwn(questions, name);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const length = Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY);
  const isJson = request.headers["content-type"] === "application/json";
  if (!isJson || !(length <= longestBody)) {
    throw new CommandError("The request can't be read: it must be short JSON.");
  }
  return json(request).catch(() => {
    throw new CommandError("The request can't be read: it is not JSON.");
  });
}

function answerJson(response: ServerResponse, status: number, view: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(view));
}

async function sendLine(response: ServerResponse, view: unknown): Promise<void> {
  if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
  if (response.destroyed) throw new Error("The page is gone");
  await new Promise<void>((resolve, reject) => {
    response.write(`${JSON.stringify(view)}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
