import type { Command } from "commander";
import { licenseView } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { licenseText } from "../terminal/license-text.ts";
import { printResult } from "../terminal/print-result.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addAction } from "./table-options.ts";

export function addShowCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("show")
    .description("Shows a license and each of its sessions: who holds it, and for how long.");
  addLicenseArgument(command);
  addAction(
    command,
    { example: "show DEMO-DEMO-DEMO-DEMO" },
    context,
    async (table, options, name) => {
      const license = await findLicense(table, name, context);
      const nowMs = context.now();
      const text = licenseText(license, nowMs, context.columns);
      await printResult(context, options, licenseView(license, nowMs), text);
    },
  );
}
