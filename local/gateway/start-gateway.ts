import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { listen } from "../listen.ts";
import type { Cors } from "../template/template-schema.ts";
import type { Api } from "./api.ts";
import { answerPreflight, withCorsHeaders } from "./cors.ts";
import { type HttpAnswer, jsonAnswer } from "./http-answer.ts";
import { readBody } from "./request-body.ts";

/** Closing it lets the requests in flight have their answers, but not for long. */
export type Gateway = AsyncDisposable & { port: number };

/** API Gateway's limit. */
const maxBodyBytes = 10 * 1024 * 1024;
const finishWithinMs = 5_000;

/**
 * Serves the API over HTTP, on this machine only.
 *
 * @param wantedPort 0 picks a free one
 * @param cors without it pages of other origins are not served
 * @throws CommandError if the port can't be had
 */
export async function startGateway(api: Api, wantedPort: number, cors?: Cors): Promise<Gateway> {
  const inFlight = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    void serve(request, response);
    const answered = finished(response)
      .catch(() => {})
      .finally(() => inFlight.delete(answered));
    inFlight.add(answered);
  });
  const port = await listen(server, wantedPort, "PORT");

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomBytes(11).toString("base64");
    const receivedAtMs = Date.now();
    const body = await readBody(request, maxBodyBytes).catch(() => "broken off" as const);
    if (body === "broken off") return;
    const { method = "", url: target = "", headersDistinct: headers } = request;
    const sourceIp = request.socket.remoteAddress ?? "";
    const received = { method, target, headers, sourceIp, port, requestId, receivedAtMs };
    const answer =
      answerPreflight(cors, received) ??
      withCorsHeaders(
        cors,
        headers,
        body === "too large"
          ? jsonAnswer(413, { message: "Request Entity Too Large" })
          : await api({ ...received, body }),
      );
    send(response, answer, requestId);
  }

  function send(response: ServerResponse, { status, headers, body }: HttpAnswer, id: string): void {
    response.writeHead(status, {
      ...headers,
      "apigw-requestid": id,
      ...(status !== 204 && status !== 304 && { "content-length": body.length }),
      // While the server closes, a connection that stays open would hold it up.
      ...(!server.listening && { connection: "close" }),
    });
    response.end(body);
  }

  return {
    port,
    async [Symbol.asyncDispose]() {
      // What has arrived but is not read yet would count as idle, and be cut off.
      await nextTurn();
      server.close();
      const timeUp = new AbortController();
      const { signal } = timeUp;
      await Promise.race([
        Promise.all(inFlight),
        sleep(finishWithinMs, undefined, { signal }).catch(() => {}),
      ]);
      timeUp.abort();
      server.closeAllConnections();
    },
  };
}
