import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod/mini";
import { isWellFormed } from "../license-key.ts";
import { nonceSchema } from "../request.ts";
import { memberSource } from "./json-source.ts";

/** The part of an API Gateway event (payload 2.0) that holds the body. */
export type BodyEvent = Pick<APIGatewayProxyEventV2, "body" | "isBase64Encoded">;

/** The shape of a body, and the members whose JSON text is kept as it was received. */
export type BodyShape<Request> = {
  schema: z.ZodMiniObject & z.ZodMiniType<Request>;
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
  | { readable: false; field: string; message: string }
);

const maxBodyBytes = 16 * 1024;

/**
 * Reads the body of an event as a JSON object of the given shape. API Gateway encodes a body in
 * base64 unless its content type is text or JSON. That includes curl's default content type.
 */
export function parseBody<Request>(
  event: BodyEvent,
  { schema, maxBytesOfText }: BodyShape<Request>,
): ParsedBody<Request> {
  const source = bodyText(event);
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
  const nonce = nonceSchema.safeParse(given.nonce).data;
  const refusedAs = (field: string) => ({
    ...unreadable(field, `must be ${descriptionOf(schema.shape[field]) ?? "readable"}`),
    nonce,
  });

  const result = schema.safeParse(given);
  if (!result.success) return refusedAs(String(result.error.issues[0]?.path[0] ?? "body"));

  const jsonTexts: Record<string, string> = {};
  for (const [field, maxBytes] of Object.entries(maxBytesOfText)) {
    const text = Object.hasOwn(given, field) ? memberSource(source, field) : undefined;
    if (text === undefined) continue;
    if (Buffer.byteLength(text) > maxBytes) return refusedAs(field);
    jsonTexts[field] = text;
  }
  return { readable: true, request: result.data, jsonTexts, nonce };
}

function unreadable(field: string, complaint: string): ParsedBody<never> {
  return { readable: false, field, message: `${field} ${complaint}` };
}

function descriptionOf(schema: z.core.$ZodType | undefined): string | undefined {
  return schema && z.globalRegistry.get(schema)?.description;
}

/** The bytes of the body as the caller sent them. */
export function bodyBytes({ body = "", isBase64Encoded }: BodyEvent): Buffer {
  return Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
}

function bodyText(event: BodyEvent): string | undefined {
  const body = event.body ?? "";
  const encoding = event.isBase64Encoded ? "base64" : "utf8";
  if (Buffer.byteLength(body, encoding) > maxBodyBytes) return undefined;
  if (!event.isBase64Encoded) return isWellFormed(body) ? body : undefined;
  const bytes = Buffer.from(body, encoding);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
