import { isUtf8 } from "node:buffer";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

export type ReceivedRequest = {
  method: string;
  /** As it was sent, without the query. */
  path: string;
  query: string;
  /** Lower-cased names; the values of a repeated header are joined by commas. */
  headers: Record<string, string>;
  body: Buffer;
  sourceIp: string;
  requestId: string;
  receivedAtMs: number;
};

/**
 * The event that API Gateway hands to a function for a request, payload format 2.0.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toEvent(
  { method, path, query, headers, body, sourceIp, requestId, receivedAtMs }: ReceivedRequest,
  routeKey: string,
  apiId: string,
): APIGatewayProxyEventV2 {
  // Decoded, different bytes that are no UTF-8 would become the same text.
  const isText = isTextType(headers["content-type"]) && isUtf8(body);
  const domainName = (headers.host ?? "").replace(/:\d+$/, "");
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers: { ...headers, "x-forwarded-for": sourceIp, "x-forwarded-proto": "http" },
    requestContext: {
      accountId: "anonymous",
      apiId,
      domainName,
      domainPrefix: domainName.split(".")[0] ?? "",
      http: {
        method,
        path,
        protocol: "HTTP/1.1",
        sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId,
      routeKey,
      stage: "$default",
      time: toLogTime(new Date(receivedAtMs)),
      timeEpoch: receivedAtMs,
    },
    ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
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
