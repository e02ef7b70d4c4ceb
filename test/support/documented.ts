import { expect } from "vitest";
import { type DocumentedRoute, documentedAnswer } from "../../contract/routes.ts";

/**
 * Fails unless an answer is, field for field, one that the OpenAPI document describes for its
 * status and code.
 */
export function expectDocumented(
  route: DocumentedRoute,
  { status, body }: { status: number; body: Record<string, unknown> },
): void {
  const documented = documentedAnswer(route, status, body.code);
  if (!documented) {
    expect.fail(`${route.path} answered ${status} ${body.code}, which is not documented`);
  }
  // Parsing drops the fields that are not documented.
  expect(documented.schema.parse(body)).toEqual(body);
}
