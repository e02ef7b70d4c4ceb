import { appendFile } from "node:fs/promises";
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import type { ChangeNote } from "./change-note.ts";
import type { HistoryPlace } from "./with-table.ts";

/** A history line for an operator's change. Contains no key, e-mail address or full fingerprint. */
export type ChangeLine = {
  event: "license_changed";
  verb: string;
  license_id: string;
  by: string;
  reason?: string | undefined;
  /** What changed, in words, such as `status: active -> suspended`. */
  changes: readonly string[];
};

/**
 * Writes history lines where `license history` reads them: to the log group of the stack, or to the
 * file of `npm start` if that has ever run here.
 *
 * @throws errors of the SDK or the file system; the change itself has already been applied
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
