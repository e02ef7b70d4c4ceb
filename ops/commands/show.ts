import type { Command } from "commander";
import { licenseView } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { licenseText } from "../terminal/license-text.ts";
import { printResult } from "../terminal/print-result.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

/** Adds `show`, which shows one license in full. */
export function addShowCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("show")
    .description("Shows a license and each of its sessions: who holds it, and for how long.");
  addTableOptions(addLicenseArgument(command))
    .addHelpText("after", "\nExample:\n  npm run license -- show DEMO-DEMO-DEMO-DEMO")
    .action((name: string, options: TableOptions) =>
      withNamedTable(options, context, async (table) => {
        const license = await findLicense(table, name, context);
        const nowMs = context.now();
        const text = licenseText(license, nowMs, context.columns);
        await printResult(context, options, licenseView(license, nowMs), text);
      }),
    );
}
