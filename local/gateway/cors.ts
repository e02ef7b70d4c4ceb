import type { Cors } from "../template/template-schema.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { ReceivedRequest } from "./http-event.ts";

// What API Gateway does for pages of other origins:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html

/**
 * The answer to the question that a browser asks before a page's request, whatever routes there are.
 *
 * @returns undefined if the request is another, or CORS is not configured
 */
export function answerPreflight(
  cors: Cors | undefined,
  { method, headers }: Pick<ReceivedRequest, "method" | "headers">,
): HttpAnswer | undefined {
  const isPreflight =
    method === "OPTIONS" &&
    headers.origin !== undefined &&
    headers["access-control-request-method"] !== undefined;
  if (cors === undefined || !isPreflight) return undefined;
  return {
    status: 204,
    headers: {
      ...sharedHeaders(cors),
      ...list("access-control-allow-methods", cors.AllowMethods),
      ...list("access-control-allow-headers", cors.AllowHeaders),
      ...(cors.MaxAge !== undefined && { "access-control-max-age": String(cors.MaxAge) }),
    },
    body: Buffer.alloc(0),
  };
}

/** Where CORS is configured, its headers replace those that the function sent. */
export function withCorsHeaders(
  cors: Cors | undefined,
  requestHeaders: ReceivedRequest["headers"],
  answer: HttpAnswer,
): HttpAnswer {
  if (cors === undefined) return answer;
  const others = Object.entries(answer.headers).filter(
    ([name]) => !name.startsWith("access-control-"),
  );
  return {
    ...answer,
    headers: {
      ...Object.fromEntries(others),
      ...(requestHeaders.origin !== undefined && sharedHeaders(cors)),
    },
  };
}

function sharedHeaders({ AllowOrigins, ExposeHeaders }: Cors): Record<string, string> {
  return {
    ...list("access-control-allow-origin", AllowOrigins),
    ...list("access-control-expose-headers", ExposeHeaders),
  };
}

function list(name: string, values: readonly string[] = []): Record<string, string> {
  return values.length > 0 ? { [name]: values.join(",") } : {};
}
