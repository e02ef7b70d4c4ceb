// Runs in the thread of one function, in place of Lambda's runtime on AWS.
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { pathToFileURL } from "node:url";
import { parentPort } from "node:worker_threads";
import type { Context } from "aws-lambda";
import { formatLogLine, isLogged, type LogLevel } from "./function-log.ts";
import type { FunctionMessage, InvocationMessage } from "./start-function.ts";

type Handler = (event: unknown, context: LambdaContext) => unknown;

/** The part of Lambda's context that functions of this project may use. */
type LambdaContext = Pick<Context, "awsRequestId" | "functionName" | "getRemainingTimeInMillis">;

const {
  LAMBDA_TASK_ROOT: codeFolder = "",
  _HANDLER: handlerName = "",
  AWS_LAMBDA_FUNCTION_NAME: functionName = "",
  AWS_LAMBDA_LOG_LEVEL: logLevel = "",
} = env;

const currentRequestId = new AsyncLocalStorage<string>();

process.on("uncaughtException", (error) => {
  writeLog("FATAL", error);
  process.exit(1);
});
console.log = (...values) => writeLog("INFO", ...values);
console.info = console.log;
console.debug = (...values) => writeLog("DEBUG", ...values);
console.warn = (...values) => writeLog("WARN", ...values);
console.error = (...values) => writeLog("ERROR", ...values);

try {
  const handler = await loadHandler();
  parentPort?.on("message", (invocation: InvocationMessage) => {
    currentRequestId.run(invocation.requestId, answer, handler, invocation);
  });
  send({ kind: "loaded" });
} catch (error) {
  writeLog("FATAL", error);
  send({ kind: "load_failed" });
}

async function loadHandler(): Promise<Handler> {
  const dot = handlerName.lastIndexOf(".");
  const path = join(codeFolder, handlerName.slice(0, dot));
  const file = [".js", ".mjs", ".cjs"].map((ending) => path + ending).find(existsSync);
  if (file === undefined) throw new Error(`There is no ${path}.js, .mjs or .cjs`);
  const loaded: Record<string, unknown> = await import(pathToFileURL(file).href);
  const handler = loaded[handlerName.slice(dot + 1)];
  if (!isHandler(handler)) throw new Error(`${handlerName} is not a function`);
  if (handler.length > 2)
    throw new Error(
      `${handlerName} takes a callback, which Lambda does not support from Node.js 24 on`,
    );
  return handler;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

async function answer(
  handler: Handler,
  { requestId, event, deadlineMs }: InvocationMessage,
): Promise<void> {
  try {
    const result = await handler(event, {
      awsRequestId: requestId,
      functionName,
      getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    });
    const outcome = {
      answered: true as const,
      result: JSON.parse(JSON.stringify(result) ?? "null"),
    };
    send({ kind: "settled", requestId, outcome });
  } catch (error) {
    writeLog("ERROR", error);
    send({ kind: "settled", requestId, outcome: { answered: false, reason: "it threw an error" } });
  }
}

function send(message: FunctionMessage): void {
  parentPort?.postMessage(message);
}

function writeLog(level: LogLevel, ...values: unknown[]): void {
  if (!isLogged(level, logLevel)) return;
  send({
    kind: "logged",
    level,
    line: formatLogLine(level, values, currentRequestId.getStore(), new Date()),
  });
}
