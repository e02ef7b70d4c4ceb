import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { decodePath, type RouteMatch } from "./router.ts";

export type ReceivedRequest = {
  method: string;
  /** Path and query as they were sent. */
  target: string;
  /** Lower-cased name to all values sent. */
  headers: NodeJS.Dict<string[]>;
  body: Buffer;
  sourceIp: string;
  /** The port it came in by. */
  port: number;
  requestId: string;
  receivedAtMs: number;
};

/**
 * The event that API Gateway hands to a function for a request, payload format 2.0.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toEvent(
  request: ReceivedRequest,
  { routeKey, pathParameters }: RouteMatch,
  apiId: string,
): APIGatewayProxyEventV2 {
  const { path, query } = splitTarget(request.target);
  // API Gateway decodes it, in spite of the name.
  const rawPath = decodePath(path);
  const headers = toEventHeaders(request);
  const cookies = (request.headers.cookie ?? []).flatMap((line) => line.split(/;\s*/));
  const queryStringParameters = joinValues(new URLSearchParams(query));
  // Decoded, different bytes that are no UTF-8 would become the same text.
  const isText = isTextType(headers["content-type"]) && isUtf8(request.body);
  const domainName = (headers.host ?? "").replace(/:\d+$/, "");

  return {
    version: "2.0",
    routeKey,
    rawPath,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(isFilled(queryStringParameters) && { queryStringParameters }),
    requestContext: {
      accountId: "anonymous",
      apiId,
      domainName,
      domainPrefix: domainName.split(".")[0] ?? "",
      http: {
        method: request.method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: request.sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: request.requestId,
      routeKey,
      stage: "$default",
      time: toLogTime(new Date(request.receivedAtMs)),
      timeEpoch: request.receivedAtMs,
    },
    ...(isFilled(pathParameters) && { pathParameters }),
    ...(request.body.length > 0 && { body: request.body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: request.body.length > 0 && !isText,
  };
}

/** Path and query of a request's target, which may also be a whole address. */
export function splitTarget(target: string): { path: string; query: string } {
  const [beforeQuery = "", ...query] = target.split("?");
  return { path: beforeQuery.replace(/^https?:\/\/[^/]*/i, "") || "/", query: query.join("?") };
}

/** Those that concern one connection only never reach a function; cookies have a field of their own. */
const droppedHeaders = new Set([
  "connection",
  "cookie",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function toEventHeaders({ headers, body, sourceIp, port, receivedAtMs }: ReceivedRequest) {
  const sent = Object.entries(headers)
    .filter(([name]) => !droppedHeaders.has(name))
    .map(([name, values]): [string, string] => [name, (values ?? []).join(",")]);
  const seconds = Math.floor(receivedAtMs / 1000).toString(16);
  const joined: Record<string, string> = Object.fromEntries([
    ["x-amzn-trace-id", `Root=1-${seconds}-${randomBytes(12).toString("hex")}`],
    ["content-length", String(body.length)],
    ...sent,
    ["x-forwarded-for", [...(headers["x-forwarded-for"] ?? []), sourceIp].join(", ")],
    ["x-forwarded-port", String(port)],
    ["x-forwarded-proto", "http"],
  ]);
  return joined;
}

function joinValues(parameters: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    [...parameters.keys()].map((name) => [name, parameters.getAll(name).join(",")]),
  );
}

/** What API Gateway passes on as text; everything else, and what has no type, is base64. */
function isTextType(contentType = ""): boolean {
  return /^(text\/[^;]*|application\/(json|xml|javascript))\s*(;|$)/i.test(contentType.trim());
}

/** As in `12/Mar/2020:19:03:58 +0000`. */
function toLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

function isFilled(record: Record<string, string>): boolean {
  return Object.keys(record).length > 0;
}
