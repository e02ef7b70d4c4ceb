import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import * as z from "zod";
import { CommandError, Interrupted } from "../terminal/command-error.ts";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import type { StackHistory } from "./stack-outputs.ts";
import type { HistoryPlace } from "./with-table.ts";

/** A line that a function or this command has logged about one license. */
export type HistoryLine = z.infer<typeof lineSchema> & { atMs: number };

const text = z.string().catch("");
const common = { license_id: z.string(), device: text, symbol: z.string().nullish().catch(null) };
const lineSchema = z.union([
  z.object({
    event: z.literal("session_claimed"),
    ...common,
    session_id: text,
    fencing_token: z.number().catch(0),
    /** The earlier claim of the same device that it replaced. */
    replaced: z.unknown().optional(),
    displaced: z.array(z.object({ symbol: text, device: text })).catch([]),
  }),
  z.object({
    event: z.literal("session_released"),
    ...common,
    free_in_seconds: z.number().catch(0),
  }),
  z.object({
    event: z.literal("license_changed"),
    license_id: z.string(),
    verb: text,
    by: text,
    reason: z.string().optional().catch(undefined),
    changes: z.array(z.string()).catch([]),
  }),
  /** A request that was refused or failed. */
  z.object({ code: z.string(), ...common }),
]);

type HistoryQuestion = {
  history: HistoryPlace;
  licenseId: string;
  sinceMs: number;
  variables: Variables;
  stop: AbortSignal;
};

/**
 * The history lines of one license, oldest first.
 *
 * @throws CommandError if there is no history to read; Interrupted on Ctrl-C
 */
export async function readHistory(question: HistoryQuestion): Promise<HistoryLine[]> {
  const { history, licenseId, sinceMs, stop } = question;
  if (!history) {
    throw new CommandError(
      "There is no history for --table, only for a stack: use --stack NAME instead.",
    );
  }
  const found: HistoryLine[] = [];
  const lines = "file" in history ? linesOfFile(history.file) : linesOfStack(history, question);
  try {
    for await (const line of lines) {
      stop.throwIfAborted();
      const read = readLine(line);
      if (read?.license_id === licenseId && read.atMs >= sinceMs) found.push(read);
    }
  } catch (error) {
    if (stop.aborted) throw new Interrupted("Stopped; the history was not read to its end.");
    throw error;
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

async function* linesOfFile(file: string): AsyncGenerator<LoggedLine, void> {
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) yield { line };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw missing
      ? new CommandError(`There is no history yet: npm start writes it to ${file}.`)
      : error;
  }
}

async function* linesOfStack(
  { logGroups, changesLogGroup }: StackHistory,
  { licenseId, sinceMs, variables, stop }: HistoryQuestion,
): AsyncGenerator<LoggedLine, void> {
  if (logGroups.length === 0) {
    throw new CommandError(
      "The stack has no output FunctionLogGroups: deploy it with this version to have a history.",
    );
  }
  const client = new CloudWatchLogsClient(awsClientConfig(variables));
  const asked = [
    ...logGroups.map((group) => [group, `{ $.message.license_id = "${licenseId}" }`] as const),
    ...(changesLogGroup === undefined
      ? []
      : [[changesLogGroup, `{ $.license_id = "${licenseId}" }`] as const]),
  ];
  try {
    for (const [logGroupName, filterPattern] of asked) {
      const pages = paginateFilterLogEvents(
        { client },
        { logGroupName, filterPattern, startTime: sinceMs },
        { abortSignal: stop },
      );
      for await (const { events = [] } of pages) {
        for (const { message = "", timestamp } of events) yield { line: message, atMs: timestamp };
      }
    }
  } finally {
    client.destroy();
  }
}

/** `atMs`: when it was logged, if the source says so besides the line itself. */
type LoggedLine = { line: string; atMs?: number | undefined };

/** @returns `undefined` if the line is not part of the history */
function readLine({ line, atMs }: LoggedLine): HistoryLine | undefined {
  let logged: Record<string, unknown>;
  try {
    logged = Object(JSON.parse(line));
  } catch {
    return undefined;
  }
  // Lambda's JSON log format puts what a function logs under `message`.
  const body = typeof logged.message === "object" ? logged.message : logged;
  const result = lineSchema.safeParse(body);
  const loggedAtMs = atMs ?? Date.parse(String(logged.timestamp ?? logged.time));
  if (!result.success || Number.isNaN(loggedAtMs)) return undefined;
  return { ...result.data, atMs: loggedAtMs };
}
