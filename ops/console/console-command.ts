import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Command } from "commander";
import { addAction, type TableOptions } from "../commands/table-options.ts";
import { historyText } from "../data/record-changes.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { option, wholeNumber } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { pageFiles } from "./page-files.ts";
import { serveConsole } from "./serve-console.ts";

type ConsoleOptions = TableOptions & { allowChanges?: true; port: number; open: boolean };

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
  const more = `
Whoever has the printed address can use the page as you: it has a token, which changes at each start.
`;
  const help = { example: "console --allow-changes", more };
  addAction<ConsoleOptions>(command, help, context, async (table, options) => {
    const desk = { table, context, allowChanges: options.allowChanges === true };
    const { address, close } = await serveConsole(desk, await pageFiles(), options.port);
    try {
      if (desk.allowChanges) context.messages.write(`${historyText(table.history)}\n`);
      const what = desk.allowChanges ? "It may make changes." : "It only reads.";
      const text = `The console for ${table.place}. ${what} Ctrl-C ends it.\n${address}\n`;
      await printResult(context, options, { table: table.place, address }, text);
      if (options.open && context.columns !== undefined) openInBrowser(address);
      if (!context.stop.aborted) await once(context.stop, "abort");
    } finally {
      await close();
    }
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
