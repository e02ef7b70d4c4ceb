import { appendFile } from "node:fs/promises";
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Variables } from "../command-line/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import type { ChangeNote } from "./change-note.ts";
import type { HistoryPlace } from "./with-table.ts";

/** What an operator did, as a line of the history. No key, no address, no whole device is in it. */
export type ChangeLine = {
  event: "license_changed";
  verb: string;
  license_id: string;
  by: string;
  reason?: string | undefined;
  /** What became of it, in words, such as `status: active -> suspended`. */
  changes: readonly string[];
};

/**
 * Writes lines of the history where the command reads them again: the log group of the stack, or the
 * file of `npm start`, if that has ever run here.
 *
 * @throws the errors of the SDK or of the file system; the change itself is made
 */
export async function recordChanges(
  history: HistoryPlace,
  lines: readonly ChangeLine[],
  { atMs }: ChangeNote,
  variables: Variables,
): Promise<void> {
  if (!history) return;
  if ("file" in history) {
    const time = new Date(atMs).toISOString();
    const text = lines.map((line) => `${JSON.stringify({ time, ...line })}\n`).join("");
    await appendFile(history.file, text, { mode: 0o600 }).catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    return;
  }
  if (history.changesLogGroup === undefined) return;
  const client = new CloudWatchLogsClient({ ...awsClientConfig(variables) });
  const place = {
    logGroupName: history.changesLogGroup,
    logStreamName: new Date(atMs).toISOString().slice(0, 7),
  };
  try {
    await client.send(new CreateLogStreamCommand(place)).catch((error) => {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    });
    const logEvents = lines.map((line) => ({ timestamp: atMs, message: JSON.stringify(line) }));
    await client.send(new PutLogEventsCommand({ ...place, logEvents }));
  } finally {
    client.destroy();
  }
}
