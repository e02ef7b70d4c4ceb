// The program in which one function runs: what Lambda's runtime is on AWS. See function-child.ts.
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { pathToFileURL } from "node:url";
import type { Context } from "aws-lambda";
import { formatLogLine, isLogged, type LogLevel } from "./function-log.ts";
import type { FunctionMessage, InvocationMessage } from "./function-messages.ts";

type Handler = (event: unknown, context: LambdaContext) => unknown;

/** Without the callbacks, which Lambda's Node 24 no longer has. */
type LambdaContext = Omit<Context, "done" | "fail" | "succeed">;

const {
  LAMBDA_TASK_ROOT: codeFolder = "",
  _HANDLER: handlerName = "",
  AWS_LAMBDA_FUNCTION_NAME: functionName = "",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memoryLimitInMB = "",
  AWS_LAMBDA_LOG_GROUP_NAME: logGroupName = "",
  AWS_LAMBDA_LOG_STREAM_NAME: logStreamName = "",
  AWS_LAMBDA_LOG_LEVEL: logLevel = "",
  AWS_REGION: region = "",
} = env;

const currentRequestId = new AsyncLocalStorage<string>();

// Ctrl-C reaches every process of the terminal; the gateway decides when this one ends.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
process.on("uncaughtException", (error) => {
  writeLog("FATAL", error);
  process.exit(1);
});
console.trace = (...values) => writeLog("TRACE", ...values);
console.debug = (...values) => writeLog("DEBUG", ...values);
console.log = (...values) => writeLog("INFO", ...values);
console.info = (...values) => writeLog("INFO", ...values);
console.warn = (...values) => writeLog("WARN", ...values);
console.error = (...values) => writeLog("ERROR", ...values);

try {
  const handler = await loadHandler();
  process.on("message", (invocation: InvocationMessage) => {
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
  if (file === undefined) throw new Error(`No ${path} with .js, .mjs or .cjs`);
  const loaded: Record<string, unknown> = await import(pathToFileURL(file).href);
  const handler = loaded[handlerName.slice(dot + 1)];
  if (!isHandler(handler)) throw new Error(`${handlerName} is not a function`);
  if (handler.length > 2)
    throw new Error(`${handlerName} takes a callback, which Lambda's Node 24 has not`);
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
    const result = await handler(event, createContext(requestId, deadlineMs));
    // Throws if the result can't be made JSON.
    send({ kind: "answered", requestId, result });
  } catch (error) {
    writeLog("ERROR", error);
    send({ kind: "threw", requestId });
  }
}

function createContext(requestId: string, deadlineMs: number): LambdaContext {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:${region}:000000000000:function:${functionName}`,
    memoryLimitInMB,
    awsRequestId: requestId,
    logGroupName,
    logStreamName,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function send(message: FunctionMessage): void {
  process.send?.(message);
}

function writeLog(level: LogLevel, ...values: unknown[]): void {
  if (!isLogged(level, logLevel)) return;
  const line = formatLogLine(level, values, currentRequestId.getStore(), new Date());
  const stream = isLogged(level, "WARN") ? process.stderr : process.stdout;
  stream.write(`${line}\n`);
}
