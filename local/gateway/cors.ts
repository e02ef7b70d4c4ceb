import type { Cors } from "../template/interpret-template.ts";
import type { HttpResponse } from "./http-response.ts";
import type { ReceivedRequest } from "./to-event.ts";

// CORS as API Gateway does it:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html

/**
 * The response to a browser's preflight request, whatever the path.
 *
 * @returns undefined if the request is no preflight
 */
export function preflightResponse(
  cors: Cors,
  { method, headers }: Pick<ReceivedRequest, "method" | "headers">,
): HttpResponse | undefined {
  const isPreflight =
    method === "OPTIONS" &&
    headers.origin !== undefined &&
    headers["access-control-request-method"] !== undefined;
  if (!isPreflight) return undefined;
  return {
    status: 204,
    headers: {
      ...corsHeaders(cors, headers),
      "access-control-allow-methods": cors.AllowMethods.join(","),
      "access-control-allow-headers": cors.AllowHeaders.join(","),
      "access-control-max-age": String(cors.MaxAge),
    },
    body: "",
  };
}

/** The headers that let a page of another origin read the response; none for other callers. */
export function corsHeaders(
  { AllowOrigins, ExposeHeaders }: Cors,
  { origin }: ReceivedRequest["headers"],
): Record<string, string> {
  if (origin === undefined) return {};
  return {
    "access-control-allow-origin": AllowOrigins.join(","),
    ...(ExposeHeaders && { "access-control-expose-headers": ExposeHeaders.join(",") }),
  };
}
