import type { Command } from "commander";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { licenseView } from "./license-item.ts";
import { licenseText } from "./license-text.ts";
import { type Surroundings, write } from "./surroundings.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

/** Adds `show`, which tells all of one license. */
export function addShowCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("show")
    .description("Shows a license and each of its sessions: who holds it, and for how long.");
  addTableOptions(addLicenseArgument(command))
    .addHelpText("after", "\nExample:\n  npm run license -- show DEMO-DEMO-DEMO-DEMO")
    .action((name: string, options: TableOptions) =>
      withNamedTable(options, surroundings, async (table) => {
        const license = await findLicense(table, name, surroundings);
        const judgedAt = { nowMs: surroundings.now(), sessionTimeoutMs: table.sessionTimeoutMs };
        await write(
          surroundings.output,
          options.json
            ? `${JSON.stringify(licenseView(license, judgedAt))}\n`
            : licenseText(license, judgedAt),
        );
      }),
    );
}
