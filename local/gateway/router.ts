import type { RouteSpec } from "../template/interpret-template.ts";

export type RouteMatch = RouteSpec & { pathParameters: Record<string, string> };

type Pattern = RouteSpec & { method: string; segments: readonly string[]; isGreedy: boolean };

/**
 * Finds the route as API Gateway does: a path that matches in full before one that ends in a
 * greedy `{name+}`, `$default` last. Of several, the one whose fixed segments come first, and a
 * route for the method before one for `ANY`.
 *
 * @returns a function of the method and the path as they were sent
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
export function createRouter(
  routes: readonly RouteSpec[],
): (method: string, path: string) => RouteMatch | undefined {
  const fallback = routes.find(({ routeKey }) => routeKey === "$default");
  const patterns = routes
    .filter((route) => route !== fallback)
    .map(toPattern)
    .sort((a, b) => rank(a).localeCompare(rank(b)));

  return (method, path) => {
    const segments = splitPath(path);
    for (const pattern of patterns) {
      if (pattern.method !== "ANY" && pattern.method !== method) continue;
      const pathParameters = matchSegments(pattern, segments);
      if (pathParameters) {
        const { routeKey, functionId } = pattern;
        return { routeKey, functionId, pathParameters };
      }
    }
    return fallback && { ...fallback, pathParameters: {} };
  };
}

/** Percent decoding that leaves alone what is no proper encoding. */
export function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function toPattern(route: RouteSpec): Pattern {
  const [method = "", path = ""] = route.routeKey.split(" ");
  const segments = path.split("/");
  return { ...route, method, segments, isGreedy: segments.at(-1)?.endsWith("+}") === true };
}

/** Sorts the more specific first, as text: a digit for each thing that counts, in its order. */
function rank({ method, segments, isGreedy }: Pattern): string {
  const fixedFirst = segments.map((segment) => (segment.startsWith("{") ? "1" : "0")).join("");
  return `${isGreedy ? 1 : 0}${fixedFirst}${method === "ANY" ? 1 : 0}`;
}

function splitPath(path: string): string[] {
  return path.split("/").map(decodePath);
}

function matchSegments(
  { segments, isGreedy }: Pattern,
  path: readonly string[],
): Record<string, string> | undefined {
  if (isGreedy ? path.length < segments.length : path.length !== segments.length) return undefined;
  const found: [name: string, value: string][] = [];
  for (const [index, segment] of segments.entries()) {
    const isLastOfGreedy = isGreedy && index === segments.length - 1;
    const value = isLastOfGreedy ? path.slice(index).join("/") : path[index];
    const name = /^\{(.+?)\+?\}$/.exec(segment)?.[1];
    if (name === undefined ? value !== segment : !value) return undefined;
    if (name !== undefined && value) found.push([name, value]);
  }
  return Object.fromEntries(found);
}
