import { randomUUID } from "node:crypto";
import type { FunctionHost } from "../functions/function-host.ts";
import type { LocalApp } from "../template/interpret-template.ts";
import { type HttpAnswer, interpretResult, jsonAnswer } from "./http-answer.ts";
import { type ReceivedRequest, splitTarget, toEvent } from "./http-event.ts";
import { createRouter } from "./router.ts";

export type Api = (request: ReceivedRequest) => Promise<HttpAnswer>;

/**
 * Does what API Gateway does between a request and its answer.
 *
 * @param functions by their ids in the template
 * @param report takes one line for each request that its function failed to answer
 */
export function createApi(
  { apiId, routes }: Pick<LocalApp, "apiId" | "routes">,
  functions: ReadonlyMap<string, Pick<FunctionHost, "invoke">>,
  report: (line: string) => void,
): Api {
  const findRoute = createRouter(routes);

  return async (request) => {
    const route = findRoute(request.method, splitTarget(request.target).path);
    const host = route && functions.get(route.functionId);
    if (!host) return jsonAnswer(404, { message: "Not Found" });

    const requestId = randomUUID();
    const outcome = await host.invoke(toEvent(request, route, apiId), requestId);
    const interpreted = outcome.answered
      ? interpretResult(outcome.result)
      : { valid: false as const, problem: outcome.reason };
    if (interpreted.valid) return interpreted.answer;

    report(
      JSON.stringify({
        timestamp: new Date().toISOString(),
        level: "ERROR",
        requestId,
        message: `${route.routeKey} is answered 500: ${interpreted.problem}`,
      }),
    );
    return jsonAnswer(500, { message: "Internal Server Error" });
  };
}
