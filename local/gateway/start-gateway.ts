import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { isServedHost, servedHostsHint } from "../is-served-host.ts";
import { listen } from "../listen.ts";
import type { Cors } from "../template/interpret-template.ts";
import { corsHeaders, preflightResponse } from "./cors.ts";
import type { Api } from "./create-api.ts";
import { type HttpResponse, jsonResponse } from "./http-response.ts";
import type { ServedRequest } from "./request-line.ts";
import type { ReceivedRequest } from "./to-event.ts";

/** Closing it waits a short time for the requests in flight to be answered. */
type Gateway = AsyncDisposable & { port: number };

/** API Gateway's limit. */
const maxBodyBytes = 10 * 1024 * 1024;
const finishWithinMs = 5_000;

type GatewayOptions = {
  /** To listen on. Requests for other names than this and loopback are refused. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  cors: Cors;
  /** Called when a response has been sent. */
  onResponse: (served: ServedRequest) => void;
};

/**
 * Serves the API over HTTP.
 *
 * @throws CommandError if the port or the host can't be used
 */
export async function startGateway(
  api: Api,
  { host, port: wantedPort, cors, onResponse }: GatewayOptions,
): Promise<Gateway> {
  const inFlight = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    void serve(request, response);
    const answered = finished(response)
      .catch(() => {})
      .finally(() => inFlight.delete(answered));
    inFlight.add(answered);
  });
  const port = await listen(server, wantedPort, "PORT", host);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedAtMs = Date.now();
    const startedAtMs = performance.now();
    const body = await readBody(request);
    if (body === undefined) return;
    const { method = "", url = "", headersDistinct } = request;
    const [path = "", ...query] = url.split("?");
    const received = {
      method,
      path,
      query: query.join("?"),
      headers: Object.fromEntries(
        Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(",")]),
      ),
      sourceIp: request.socket.remoteAddress ?? "",
      requestId: randomBytes(11).toString("base64"),
      receivedAtMs,
    };
    const answer = await answerTo(received, body);
    response.statusCode = answer.status;
    const headers = {
      ...answer.headers,
      ...corsHeaders(cors, received.headers),
      "apigw-requestid": received.requestId,
      // While the server closes, a connection that stays open would hold it up.
      ...(!server.listening && { connection: "close" }),
    };
    response.setHeaders(new Headers(headers)).end(answer.body);
    onResponse({
      request: { ...received, body: body === "too large" ? Buffer.alloc(0) : body },
      response: answer,
      durationMs: performance.now() - startedAtMs,
    });
  }

  async function answerTo(
    received: Omit<ReceivedRequest, "body">,
    body: Buffer | "too large",
  ): Promise<HttpResponse> {
    // A 403 would end legacy bots.
    if (!isServedHost(received.headers.host, host))
      return jsonResponse(421, { message: "Misdirected Request", hint: servedHostsHint });
    const preflight = preflightResponse(cors, received);
    if (preflight) return preflight;
    if (body === "too large") return jsonResponse(413, { message: "Request Entity Too Large" });
    return api({ ...received, body });
  }

  return {
    port,
    async [Symbol.asyncDispose]() {
      // A connection whose request has arrived but is unread would count as idle and be closed.
      await nextTurn();
      server.close();
      await Promise.race([Promise.all(inFlight), sleep(finishWithinMs, undefined, { ref: false })]);
      server.closeAllConnections();
    },
  };
}

/** Returns undefined if the caller disconnects. */
async function readBody(request: IncomingMessage): Promise<Buffer | "too large" | undefined> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  try {
    // Reads and drops what exceeds the limit: a caller that is cut off may never see the response.
    for await (const chunk of request) {
      lengthBytes += chunk.length;
      if (lengthBytes <= maxBodyBytes) chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return lengthBytes > maxBodyBytes ? "too large" : Buffer.concat(chunks);
}
