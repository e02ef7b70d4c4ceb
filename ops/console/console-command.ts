import { spawn } from "node:child_process";
import type { Command } from "commander";
import { addTableOptions, type TableOptions, withNamedTable } from "../commands/table-options.ts";
import { historyText } from "../data/record-changes.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { option, wholeNumber } from "../terminal/option-readers.ts";
import { write } from "../terminal/write.ts";
import { pageFiles } from "./page-files.ts";
import { serveConsole } from "./serve-console.ts";

type ConsoleOptions = TableOptions & { allowChanges?: true; port: number; open: boolean };

/** Adds `console`, which serves a page for people who would rather look than read. */
export function addConsoleCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("console")
    .description(
      "Opens a page in the browser: search, who held a license when, sharing, the service now, lists. " +
        "Served on this machine alone, until Ctrl-C. It only reads, unless --allow-changes is given.",
    )
    .option(
      "--allow-changes",
      "it may also free sessions, suspend, activate, extend one or a whole selection, and give a new key, as the verbs do",
    )
    .addOption(
      option("--port <port>", "0 picks a free one", wholeNumber(0, 65_535)).default(0, "0"),
    )
    .option(
      "--no-open",
      "only print the address: others who use this machine could read it in the list of processes",
    );
  addTableOptions(command)
    .addHelpText(
      "after",
      `
Whoever has the printed address can use the page as you: it has a token, which changes at each start.

Example:
  npm run license -- console --allow-changes`,
    )
    .action((options: ConsoleOptions) =>
      withNamedTable(options, context, async (table) => {
        const desk = { table, context, allowChanges: options.allowChanges === true };
        const served = await serveConsole(desk, await pageFiles(), options.port);
        try {
          if (desk.allowChanges) context.messages.write(`${historyText(table.history)}\n`);
          const what = desk.allowChanges ? "It may make changes." : "It only reads.";
          const text = options.json
            ? `${JSON.stringify({ table: table.place, address: served.address })}\n`
            : `The console for ${table.place}. ${what} Ctrl-C ends it.\n${served.address}\n`;
          await write(context.output, text);
          if (options.open && context.columns !== undefined) openInBrowser(served.address);
          await stopped(context.stop);
        } finally {
          await served.close();
        }
      }),
    );
}

function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Best effort: the address is printed, too. */
function openInBrowser(address: string): void {
  const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: "open", linux: "xdg-open" };
  const opener = openers[process.platform];
  if (opener === undefined) return;
  spawn(opener, [address], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
