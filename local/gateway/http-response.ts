import * as z from "zod";

export type HttpResponse = { status: number; headers: Record<string, string>; body: string };

const resultSchema = z.strictObject({
  statusCode: z.int().min(200).max(599),
  headers: z.record(z.string(), z.string()).refine(isValid, "not valid in HTTP").default({}),
  body: z.string().default(""),
});

/**
 * Converts a function's result to an HTTP response. Supports only the kinds of result that the
 * functions of this project return, not all that API Gateway understands.
 *
 * @param result a JSON value
 */
export function toResponse(result: unknown): HttpResponse | { problem: string } {
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) };
  const { statusCode, headers, body } = parsed.data;
  return { status: statusCode, headers, body };
}

export function jsonResponse(status: number, value: unknown): HttpResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function isValid(headers: Record<string, string>): boolean {
  try {
    new Headers(headers);
    return true;
  } catch {
    return false;
  }
}
