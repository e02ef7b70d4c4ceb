import { isUtf8 } from "node:buffer";

export type ReceivedRequest = {
  method: string;
  /** The path as it was sent, without the query. */
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
 * The event that API Gateway passes to a function for a request (payload format 2.0), without the
 * fields that name an account, an API or a domain.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toEvent(request: ReceivedRequest, routeKey: string) {
  const { method, path, query, headers, body, sourceIp, requestId, receivedAtMs } = request;
  // Decoding invalid UTF-8 would turn different bytes into the same text.
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

/**
 * Whether API Gateway passes the body on as text. Other types, and a missing type, become base64.
 */
function isTextType(contentType = ""): boolean {
  return /^(text\/[^;]*|application\/(json|xml|javascript))\s*(;|$)/i.test(contentType.trim());
}
