import { isUtf8 } from "node:buffer";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod/mini";
import type { Problem } from "../../contract/requests/fields.ts";
import { memberSource } from "./json-source.ts";

/** The part of an API Gateway event (payload 2.0) that holds the body. */
export type BodyEvent = Pick<APIGatewayProxyEventV2, "body" | "isBase64Encoded">;

/** The shape of a body, and the members whose JSON text is kept as it was received. */
export type BodyShape<Request> = {
  schema: z.ZodMiniObject & z.ZodMiniType<Request>;
  /** What no single field shows to be wrong. */
  problem(request: Request): Problem | undefined;
  maxBytesOfText: Record<string, number>;
};

type ParsedBody<Request> = {
  /**
   * Set even if the rest of the body is unreadable, because the 400 must then be signed as well.
   */
  nonce?: string | undefined;
} & (
  | { readable: true; request: Request; jsonTexts: Record<string, string> }
  /** What is wrong with the body; never quotes it, because it may contain a key. */
  | ({ readable: false } & Problem)
);

const maxBodyBytes = 16 * 1024;

/**
 * Reads a body as a JSON object of the given shape. NULs after it are ignored: MQL sends the one that
 * ends a string.
 */
export function parseBody<Request>(
  bytes: Buffer,
  { schema, problem, maxBytesOfText }: BodyShape<Request>,
): ParsedBody<Request> {
  const source = bodyText(bytes);
  if (source === undefined) return unreadable("body", "must be UTF-8 text of at most 16 KiB");

  let body: unknown;
  try {
    body = JSON.parse(source);
  } catch {
    return unreadable("body", "must be JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return unreadable("body", "must be a JSON object");
  }

  // A field that is null counts as absent.
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  const refusedAs = (field: string) => ({
    ...unreadable(field, `must be ${descriptionOf(schema.shape[field]) ?? "readable"}`),
    nonce: nonceOf(schema, given),
  });

  const result = schema.safeParse(given);
  if (!result.success) return refusedAs(String(result.error.issues[0]?.path[0] ?? "body"));
  const found = problem(result.data);
  if (found) return { readable: false, ...found, nonce: nonceOf(schema, given) };

  const jsonTexts: Record<string, string> = {};
  for (const [field, maxBytes] of Object.entries(maxBytesOfText)) {
    const text = Object.hasOwn(given, field) ? memberSource(source, field) : undefined;
    if (text === undefined) continue;
    if (Buffer.byteLength(text) > maxBytes) return refusedAs(field);
    jsonTexts[field] = text;
  }
  return { readable: true, request: result.data, jsonTexts, nonce: nonceOf(schema, given) };
}

function unreadable(field: string, complaint: string): { readable: false } & Problem {
  return { readable: false, field, message: `${field} ${complaint}` };
}

/** The nonce alone, whatever else is wrong. */
function nonceOf({ shape }: z.ZodMiniObject, { nonce }: { nonce?: unknown }): string | undefined {
  return shape.nonce && typeof nonce === "string" && z.safeParse(shape.nonce, nonce).success
    ? nonce
    : undefined;
}

function descriptionOf(schema: z.core.$ZodType | undefined): string | undefined {
  return schema && z.globalRegistry.get(schema)?.description;
}

/**
 * The bytes of the body as the caller sent them. API Gateway encodes a body in base64 unless its
 * content type is text or JSON. That includes curl's default content type.
 */
export function bodyBytes({ body = "", isBase64Encoded }: BodyEvent): Buffer {
  return Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
}

function bodyText(bytes: Buffer): string | undefined {
  if (bytes.length > maxBodyBytes || !isUtf8(bytes)) return undefined;
  return bytes.toString("utf8").replace(/\0+$/, "");
}
