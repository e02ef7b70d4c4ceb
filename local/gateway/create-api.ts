import { randomUUID } from "node:crypto";
import type { FunctionHost } from "../functions/start-function.ts";
import type { LocalApp } from "../template/interpret-template.ts";
import { type HttpResponse, jsonResponse, toResponse } from "./http-response.ts";
import { type ReceivedRequest, toEvent } from "./to-event.ts";

export type Api = (request: ReceivedRequest) => Promise<HttpResponse>;

/**
 * Does what API Gateway does between a request and its response.
 *
 * @param functions by their ids in the template
 * @param onFailure called for each request that its function failed to answer
 */
export function createApi(
  routes: LocalApp["routes"],
  functions: ReadonlyMap<string, Pick<FunctionHost, "invoke">>,
  onFailure: (requestId: string, message: string) => void,
): Api {
  const routeKeys = routes.map(({ routeKey }) => routeKey).join(", ");

  return async (request) => {
    const wanted = `${request.method} ${request.path}`;
    const route = routes.find(({ routeKey }) => routeKey === wanted);
    const host = route && functions.get(route.functionId);
    // Unlike here, API Gateway's answer does not list the routes.
    if (!host) {
      return jsonResponse(404, { message: "Not Found", hint: `The routes are ${routeKeys}.` });
    }

    const requestId = randomUUID();
    const outcome = await host.invoke(toEvent(request, route.routeKey), requestId);
    const response = outcome.answered ? toResponse(outcome.result) : { problem: outcome.reason };
    if ("status" in response) return response;

    onFailure(requestId, `${route.routeKey} is answered 500: ${response.problem}`);
    return jsonResponse(500, { message: "Internal Server Error" });
  };
}
