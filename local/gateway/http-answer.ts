import { validateHeaderName, validateHeaderValue } from "node:http";
import * as z from "zod";

export type HttpAnswer = {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
};

export type Interpreted = { valid: true; answer: HttpAnswer } | { valid: false; problem: string };

const structuredSchema = z.object({
  statusCode: z.int().min(200).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/** The server sets these itself; a function's word on them would break the connection. */
const droppedHeaders = new Set(["connection", "content-length", "keep-alive", "transfer-encoding"]);

/**
 * What API Gateway makes of a function's result, payload format 2.0: an object with a `statusCode`
 * is the answer, anything else is the body of a 200.
 *
 * @param result a JSON value
 */
export function interpretResult(result: unknown): Interpreted {
  if (typeof result !== "object" || result === null || !("statusCode" in result))
    return { valid: true, answer: jsonAnswer(200, result) };

  const parsed = structuredSchema.safeParse(result);
  if (!parsed.success) return { valid: false, problem: z.prettifyError(parsed.error) };
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;

  const named = Object.entries(headers ?? {})
    .map(([name, value]): [string, string] => [name.toLowerCase(), String(value)])
    .filter(([name]) => !droppedHeaders.has(name));
  const problem = [...named, ...(cookies ?? []).map((cookie) => ["set-cookie", cookie] as const)]
    .map(([name, value]) => complaint(name, value))
    .find((found) => found !== undefined);
  if (problem !== undefined) return { valid: false, problem };

  const answer: HttpAnswer = {
    status: statusCode,
    headers: { "content-type": "text/plain;charset=UTF-8", ...Object.fromEntries(named) },
    body: Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8"),
  };
  if (cookies && cookies.length > 0) {
    const inHeaders = answer.headers["set-cookie"] ?? [];
    answer.headers["set-cookie"] = [inHeaders, cookies].flat();
  }
  return { valid: true, answer };
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function complaint(name: string, value: string): string | undefined {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
