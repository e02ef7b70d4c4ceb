import * as z from "zod";

export type HttpResponse = { status: number; headers: Record<string, string>; body: string };

const resultSchema = z.strictObject({
  statusCode: z.int().min(200).max(599),
  headers: z.record(z.string(), z.string()).refine(isValid, "not valid in HTTP").default({}),
  body: z.string().default(""),
});

/**
 * The response that a function's result stands for. Of the results that API Gateway understands,
 * these are the ones that the functions of this project return.
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
