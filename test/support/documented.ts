import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { type DocumentedRoute, documentedAnswers } from "../../contract/routes.ts";

/**
 * Fails unless an answer is, field for field, one that the OpenAPI document describes for its
 * status and code.
 */
export function expectDocumented(
  route: DocumentedRoute,
  { status, body }: { status: number; body: Record<string, unknown> },
): void {
  const documented = documentedAnswers(route, status, body.code);
  if (documented.length === 0) {
    expect.fail(`${route.path} answered ${status} ${body.code}, which is not documented`);
  }
  // Parsing drops the fields that are not documented.
  const readings = documented.map(({ schema }) => schema.safeParse(body).data);
  const plain = JSON.parse(JSON.stringify(body));
  if (
    !readings.some((reading) =>
      isDeepStrictEqual(JSON.parse(JSON.stringify(reading ?? null)), plain),
    )
  ) {
    expect(readings).toContainEqual(body);
  }
}
