import { isUtf8 } from "node:buffer";

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
 * The event that API Gateway hands to a function for a request, payload format 2.0, without what
 * names an account, an API or a domain.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toEvent(request: ReceivedRequest, routeKey: string) {
  const { method, path, query, headers, body, sourceIp, requestId, receivedAtMs } = request;
  // Decoded, different bytes that are no UTF-8 would become the same text.
  const isText = isTextType(headers["content-type"]) && isUtf8(body);
  const userAgent = headers["user-agent"] ?? "";
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers: { ...headers, "x-forwarded-for": sourceIp, "x-forwarded-proto": "http" },
    requestContext: {
      http: { method, path, protocol: "HTTP/1.1", sourceIp, userAgent },
      requestId,
      routeKey,
      stage: "$default",
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
