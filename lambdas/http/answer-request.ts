import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import { licenseIdOf } from "../license-key.ts";
import type { CallerRequest } from "../request.ts";
import type { Service } from "../routes/service.ts";
import { maskFingerprint } from "../rules/session.ts";
import { ClockSkew, checkAgainstApi } from "../store/clock-skew.ts";
import { type BodyEvent, type BodyShape, bodyBytes, parseBody } from "./json-body.ts";
import { type SignedRequest, signatureHeaders } from "./sign-answer.ts";
import type { SigningKey } from "./signing-keys.ts";

/** `code` is for programs and its meaning never changes; `message` is for people. */
export type Answer = {
  statusCode: number;
  body: { code: string; message: string; [field: string]: unknown };
};

/** What a route may use besides the request. */
export type RequestContext = {
  /** The one clock reading of the request, epoch milliseconds. */
  nowMs: number;
  /** Aborts when the request times out. Nothing may be written after that. */
  signal: AbortSignal;
  /** The raw JSON text of the members that the route asks for in that form. */
  jsonTexts: Record<string, string>;
  /** Writes one line of the history: what was granted or released, and by whom. */
  record(event: HistoryEvent): void;
};

/** What `license history` reads. It has no `code`: only refusals and failures have one. */
export type HistoryEvent =
  | {
      event: "session_claimed";
      session_id: string;
      fencing_token: number;
      /** The earlier claim of the same device that this one replaced before its lease ended. */
      replaced?: string;
      displaced?: { symbol: string; device: string }[];
    }
  | { event: "session_released"; session_id?: string | undefined; free_in_seconds: number }
  /** A sample of the heartbeats of bots that name no session: it stands for `weight` of them. */
  | { event: "legacy_heartbeat"; legacy: true; weight: number };

/** The part of an API Gateway event (payload 2.0) that a function reads. */
type HttpEvent = BodyEvent & {
  rawPath?: string;
  requestContext?: {
    timeEpoch?: APIGatewayProxyEventV2["requestContext"]["timeEpoch"];
    http?: Pick<APIGatewayProxyEventV2["requestContext"]["http"], "method">;
  };
};

export type Route<Request extends CallerRequest> = BodyShape<Request> & {
  answer(request: Request, context: RequestContext): Promise<Answer>;
  /** Fields that this route adds to every 400 and to every opaque 500. */
  fieldsOf: { badRequest: Record<string, unknown>; internalError: Record<string, unknown> };
};

export type Handler = (
  event: HttpEvent,
  context: Pick<Context, "awsRequestId">,
) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * How long a request may take before it is answered 500. Bots give up after 5 s, and that must also
 * cover a cold start and the network. The SDK's three attempts finish earlier than this (see
 * `store/dynamodb-client.ts`).
 */
const defaultAnswerWithinMs = 3_500;

/**
 * Turns a route into a Lambda handler: event in, JSON out. Anything thrown becomes an opaque 500.
 * Every refusal and failure writes one log line, which never contains the key or a full
 * fingerprint. Every answer to a request with a nonce is signed, including errors.
 */
export function toHandler<Request extends CallerRequest>(
  route: Route<Request>,
  {
    now,
    signingKeys = [],
    answerWithinMs = defaultAnswerWithinMs,
  }: Pick<Service, "now" | "signingKeys" | "answerWithinMs">,
): Handler {
  return async (event, { awsRequestId: requestId }) => {
    const nowMs = now();
    let who = (): Record<string, unknown> => ({});
    let asked: SignedRequest | undefined;
    const toResult = (answer: Answer) => signedResult(answer, asked, signingKeys, nowMs);
    try {
      const parsed = parseBody(event, route);
      if (parsed.nonce !== undefined) asked = signedRequest(event, parsed.nonce);
      const receivedByApiMs = event.requestContext?.timeEpoch;
      if (receivedByApiMs !== undefined) checkAgainstApi(nowMs, receivedByApiMs);
      if (!parsed.readable) {
        const { field, message } = parsed;
        const answer: Answer = {
          statusCode: 400,
          body: { ...route.fieldsOf.badRequest, code: "bad_request", message, field },
        };
        log("info", requestId, answer, { field });
        return toResult(answer);
      }
      const { request, jsonTexts } = parsed;
      who = () => whoAsked(request);
      const record = (line: HistoryEvent) =>
        console.info({ ...line, request_id: requestId, ...who() });
      const answer = await inTime(answerWithinMs, (signal) =>
        route.answer(request, { nowMs, signal, jsonTexts, record }),
      );
      if (answer.statusCode >= 400) log("info", requestId, answer, who());
      return toResult(answer);
    } catch (error) {
      const answer: Answer = {
        statusCode: 500,
        body: {
          ...route.fieldsOf.internalError,
          code: "internal_error",
          message: "The service could not handle this request; nothing is confirmed. Try again.",
          request_id: requestId,
        },
      };
      log("error", requestId, answer, { ...who(), error: inWords(error) });
      return toResult(answer);
    }
  };
}

async function inTime<Result>(
  answerWithinMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`No answer within ${answerWithinMs} ms`);
      controller.abort(error);
      reject(error);
    }, answerWithinMs);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

function log(
  level: "info" | "error",
  requestId: string,
  { statusCode, body: { code } }: Answer,
  details: Record<string, unknown>,
): void {
  console[level]({ code, status: statusCode, request_id: requestId, ...details });
}

function whoAsked(request: CallerRequest): Record<string, unknown> {
  return {
    symbol: request.symbol,
    license_id: licenseIdOf(request.license_key),
    device: maskFingerprint(request.device_fingerprint),
  };
}

function inWords(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error };
  const { name, message, stack } = error;
  if (!(error instanceof ClockSkew)) return { name, message, stack };
  return { name, code: error.code, difference_ms: error.differenceMs, message };
}

function signedRequest(event: HttpEvent, nonce: string): SignedRequest {
  return {
    method: event.requestContext?.http?.method ?? "",
    path: event.rawPath ?? "",
    body: bodyBytes(event),
    nonce,
  };
}

function signedResult(
  { statusCode, body }: Answer,
  asked: SignedRequest | undefined,
  keys: readonly SigningKey[],
  createdMs: number,
): APIGatewayProxyStructuredResultV2 {
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  if (asked === undefined || keys.length === 0) return { statusCode, headers, body: text };
  const signature = signatureHeaders({ statusCode, body: text }, asked, keys, createdMs);
  return { statusCode, headers: { ...headers, ...signature }, body: text };
}
