import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import type { HistoryEvent, RefusalLine, WhoAsked } from "../../contract/log-lines.ts";
import { ClockSkew, type RequestTime, requestTime } from "../rules/clock-skew.ts";
import { type BodyEvent, type BodyShape, bodyBytes, parseBody } from "./json-body.ts";
import { isFromEdge } from "./origin-guard.ts";
import { type SignedRequest, signatureHeaders } from "./sign-answer.ts";
import type { SigningKey } from "./signing-keys.ts";
import { stackInSource } from "./stack-in-source.ts";

/** `code` is for programs and its meaning never changes; `message` is for people. */
export type Answer = { statusCode: number; body: { code: string; message: string } };

/** What a route may use besides the request. */
export type RequestContext = RequestTime & {
  /** Aborts when the request times out. Nothing may be written after that. */
  signal: AbortSignal;
  /** The raw JSON text of the members that the route asks for in that form. */
  jsonTexts: Record<string, string>;
  /** Writes one line of the history: what was granted or released, and by whom. */
  record(event: HistoryEvent): void;
};

/** The part of an API Gateway event (payload 2.0) that a function reads. */
type HttpEvent = BodyEvent & {
  rawPath?: string;
  headers?: Readonly<Record<string, string | undefined>>;
  requestContext?: {
    timeEpoch?: APIGatewayProxyEventV2["requestContext"]["timeEpoch"];
    http?: Pick<APIGatewayProxyEventV2["requestContext"]["http"], "method">;
  };
};

export type Route<Request, Given extends Answer> = BodyShape<Request> & {
  answer(request: Request, context: RequestContext): Promise<Given>;
  badRequest(field: string, message: string): Given;
  /** An opaque 500. */
  failed(message: string, requestId: string): Given;
  whoAsked(request: Request): WhoAsked;
  /** Whether the request only asks, so that a refusal is no event. */
  isQuestion?(request: Request): boolean;
};

export type Handler = (
  event: HttpEvent,
  context: Pick<Context, "awsRequestId">,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** What a handler needs of the service. */
export type Edge = {
  /** The function's clock, epoch milliseconds. */
  now: () => number;
  /** Two during a rotation. If there is none, answers are not signed. */
  signingKeys?: readonly SigningKey[] | undefined;
  /** If set, only requests that CloudFront has given one of them are served (`origin-guard.ts`). */
  originSecrets?: string | undefined;
  /** The time limit of a request. Tests raise it so that a busy machine can't fail them. */
  answerWithinMs?: number | undefined;
};

/**
 * How long a request may take before it is answered 500. Bots give up after 5 s, and that must also
 * cover a cold start and the network. The SDK's three attempts finish earlier than this (see
 * `store/dynamodb-client.ts`).
 */
const defaultAnswerWithinMs = 3_500;

const failedMessage = "The service could not handle this request; nothing is confirmed. Try again.";

/**
 * Turns a route into a Lambda handler: event in, JSON out. Anything thrown becomes an opaque 500.
 * Every refusal and failure writes one log line, which never contains the key or a full
 * fingerprint. Every answer to a request with a nonce is signed, including errors.
 */
export function toHandler<Request, Given extends Answer>(
  route: Route<Request, Given>,
  { now, signingKeys = [], originSecrets, answerWithinMs = defaultAnswerWithinMs }: Edge,
): Handler {
  let isFirst = true;
  return async (event, { awsRequestId: requestId }) => {
    const functionMs = now();
    const wasFirst = isFirst;
    isFirst = false;
    // Only what is logged needs it.
    let who: () => WhoAsked | undefined = () => undefined;
    let asked: SignedRequest | undefined;
    const toResult = (answer: Answer) => signedResult(answer, asked, signingKeys, functionMs);
    const log = (level: "info" | "error", answer: Answer, details: Partial<RefusalLine>) => {
      const { statusCode: status, body } = answer;
      const line: RefusalLine = {
        code: body.code,
        status,
        request_id: requestId,
        ...who(),
        ...details,
      };
      console[level](line);
    };
    try {
      const bytes = bodyBytes(event);
      const parsed = parseBody(bytes, route);
      if (parsed.nonce !== undefined) asked = signedRequest(event, bytes, parsed.nonce);
      if (!isFromEdge(event.headers, originSecrets)) throw new Error("Not through CloudFront");
      const time = requestTime(functionMs, event.requestContext?.timeEpoch, wasFirst);
      if (!parsed.readable) {
        const answer = route.badRequest(parsed.field, parsed.message);
        log("info", answer, { field: parsed.field });
        return toResult(answer);
      }
      const { request, jsonTexts } = parsed;
      who = () => route.whoAsked(request);
      const record = (line: HistoryEvent) =>
        console.info({ ...line, request_id: requestId, ...who() });
      const answer = await inTime(answerWithinMs, (signal) =>
        route.answer(request, { ...time, signal, jsonTexts, record }),
      );
      if (answer.statusCode >= 400 && !route.isQuestion?.(request)) log("info", answer, {});
      return toResult(answer);
    } catch (error) {
      const answer = route.failed(failedMessage, requestId);
      log("error", answer, { error: inWords(error) });
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

function inWords(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error };
  const { name, message, stack = "" } = error;
  if (!(error instanceof ClockSkew)) return { name, message, stack: stackInSource(stack) };
  return { name, code: error.code, difference_ms: error.differenceMs, message };
}

function signedRequest(event: HttpEvent, body: Uint8Array, nonce: string): SignedRequest {
  const method = event.requestContext?.http?.method ?? "";
  return { method, path: event.rawPath ?? "", body, nonce };
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
