import { existsSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { dirname } from "node:path";
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
  /** Symbols whose sessions the change has ended. */
  sessions_ended?: readonly string[] | undefined;
  /** The operation over several licenses that it is part of. */
  operation?: string | undefined;
  /** Of a rekey: the id of the same license under its earlier or its later key. */
  previous_license_id?: string | undefined;
  next_license_id?: string | undefined;
};

/** Where changes are recorded, or why they are in no history, as a sentence. */
export function historyText(history: HistoryPlace): string {
  if (!history) {
    return "Changes made with --table are in no history, only in the license itself: prefer --stack.";
  }
  if ("file" in history) {
    return existsSync(dirname(history.file))
      ? `The history is in ${history.file}.`
      : `Changes will be in no history: there is no folder ${dirname(history.file)}. Set DATA_DIR to that of npm start.`;
  }
  return history.changesLogGroup === undefined
    ? "Changes will be in no history: the stack has no output ChangesLogGroup. Deploy it with this version."
    : `The history is in the log group ${history.changesLogGroup}.`;
}

/**
 * Writes history lines where `license history` reads them: to the log group of the stack, or to the
 * file of `npm start` if its folder is there.
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
