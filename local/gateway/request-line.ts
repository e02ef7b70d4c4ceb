import { styleText } from "node:util";
import * as z from "zod";
import { licenseKeySchema } from "../../contract/requests/fields.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import type { HttpResponse } from "./http-response.ts";
import type { ReceivedRequest } from "./to-event.ts";

export type ServedRequest = {
  request: ReceivedRequest;
  response: HttpResponse;
  durationMs: number;
};

/**
 * One log line about a request: the route, the license (not its key) and the answer.
 *
 * @param stream decides the format: text for people on a terminal, in colour unless NO_COLOR is
 *   set; otherwise JSON
 */
export function requestLine(served: ServedRequest, stream: NodeJS.WriteStream): string {
  const { request, response, durationMs } = served;
  const { code, message, hint } = read(bodySchema, response.body);
  const { license_key } = read(keySchema, request.body.toString());
  const time = new Date(request.receivedAtMs);
  const { status } = response;
  const line = {
    timestamp: time.toISOString(),
    level: "INFO",
    message: "request",
    method: printable(request.method),
    path: printable(request.path),
    status,
    code,
    license: license_key === undefined ? undefined : licenseIdOf(license_key).slice(0, 8),
    duration_ms: Math.round(durationMs * 10) / 10,
  };
  if (!stream.isTTY) return JSON.stringify(line);
  const paint = (format: "dim" | "red" | "yellow" | "green", text: string) =>
    styleText(format, text, { stream });
  const statusColour = status < 400 ? "green" : status < 500 ? "yellow" : "red";
  const outcome = code ?? [message, hint].filter((text) => text !== undefined).join(". ");
  return [
    paint("dim", time.toTimeString().slice(0, 8)),
    `${line.method} ${line.path}`.padEnd(26),
    paint(statusColour, `${status} ${outcome.padEnd(18)}`),
    (line.license ?? "").padEnd(8),
    paint("dim", `${Math.round(durationMs)} ms`),
  ].join("  ");
}

/** Printable ASCII only: a caller chooses the text, and must not control the terminal with it. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?").slice(0, 200);
}

const bodySchema = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  hint: z.string().optional(),
});
const keySchema = z.object({ license_key: licenseKeySchema });

function read<Value>(schema: z.core.$ZodType<Value>, json: string): Partial<Value> {
  try {
    return z.safeParse(schema, JSON.parse(json)).data ?? {};
  } catch {
    return {};
  }
}
