import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import { CommandError, Interrupted } from "../terminal/command-error.ts";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import { type HistoryLine, type LoggedLine, readHistoryLine } from "./history-line.ts";
import type { StackHistory } from "./stack-outputs.ts";
import type { HistoryPlace } from "./with-table.ts";

type HistoryQuestion = {
  history: HistoryPlace;
  /** The licenses in question; all if absent. */
  licenseIds?: readonly string[];
  /** Inclusive, epoch milliseconds. */
  sinceMs: number;
  /** Exclusive, epoch milliseconds; now if absent. */
  untilMs?: number;
  variables: Variables;
  stop: AbortSignal;
};

/**
 * The history lines of one license, of several or of all, oldest first.
 *
 * @throws CommandError if there is no history to read; Interrupted on Ctrl-C
 */
export async function readHistory(question: HistoryQuestion): Promise<HistoryLine[]> {
  const { history, licenseIds, sinceMs, untilMs = Number.POSITIVE_INFINITY, stop } = question;
  if (!history) {
    throw new CommandError(
      "There is no history for --table, only for a stack: use --stack NAME instead.",
    );
  }
  const found: HistoryLine[] = [];
  const isMeant = (id: string) => licenseIds === undefined || licenseIds.includes(id);
  const lines = "file" in history ? linesOfFile(history.file) : linesOfStack(history, question);
  try {
    for await (const line of lines) {
      stop.throwIfAborted();
      // Most lines of a file are about other licenses; parsing them all would take seconds.
      if (licenseIds && !licenseIds.some((id) => line.line.includes(id))) continue;
      const read = readHistoryLine(line);
      if (read && isMeant(read.license_id) && read.atMs >= sinceMs && read.atMs < untilMs) {
        found.push(read);
      }
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
      ? new CommandError(
          `There is no history at ${file}: npm start writes it into its DATA_DIR; set DATA_DIR here to the same folder.`,
        )
      : error;
  }
}

async function* linesOfStack(
  { logGroups, changesLogGroup }: StackHistory,
  { licenseIds, sinceMs, untilMs, variables, stop }: HistoryQuestion,
): AsyncGenerator<LoggedLine, void> {
  if (logGroups.length === 0) {
    throw new CommandError(
      "The stack has no output FunctionLogGroups: deploy it with this version to have a history.",
    );
  }
  const client = new CloudWatchLogsClient(awsClientConfig(variables));
  const asked = [
    ...logGroups.map((group) => [group, patternFor("$.message.license_id", licenseIds)] as const),
    ...(changesLogGroup === undefined
      ? []
      : [[changesLogGroup, patternFor("$.license_id", licenseIds)] as const]),
  ];
  try {
    for (const [logGroupName, filterPattern] of asked) {
      const pages = paginateFilterLogEvents(
        { client },
        { logGroupName, filterPattern, startTime: sinceMs, ...(untilMs && { endTime: untilMs }) },
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

function patternFor(field: string, licenseIds: readonly string[] = ["*"]): string {
  return `{ ${licenseIds.map((id) => `${field} = "${id}"`).join(" || ")} }`;
}
