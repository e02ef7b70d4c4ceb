import type { Command } from "commander";
import { serviceRefusals } from "../data/whole-service.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { type Since, sinceOption, untilOption } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { idText, instantText, textTable } from "../terminal/text-table.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type RefusalsOptions = TableOptions & { since: Since; until?: number };

/** Adds `refusals`, which lists who was refused, and when the service failed. */
export function addRefusalsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("refusals")
    .description(
      "Lists who was refused, by code, and when the service could not answer; and whether a refusal " +
        "because of another session is explained by one that was held.",
    )
    .addOption(sinceOption(1))
    .addOption(untilOption());
  addTableOptions(command)
    .addHelpText(
      "after",
      `
UNEXPLAINED counts refusals for which no line shows a holder: look at those with history. IN OUTAGE counts
those within five minutes of requests that failed.

Example:
  npm run license -- refusals --since 3d`,
    )
    .action((options: RefusalsOptions) =>
      withNamedTable(options, context, async (table) => {
        const nowMs = context.now();
        const { since, until: untilMs = nowMs } = options;
        const { variables, stop } = context;
        const period = { sinceMs: since(nowMs), untilMs, nowMs, variables, stop };
        const view = await serviceRefusals(table, period);
        await printResult(context, options, view, refusalsText(view, context));
      }),
    );
}

function refusalsText(
  { by_code, outages, devices, since, until, table }: Awaited<ReturnType<typeof serviceRefusals>>,
  context: CommandContext,
): string {
  const codes = by_code.map(
    ({ code, count, licenses }) => `${count} ${code} (${licenses} licenses)`,
  );
  const periods = outages.map(
    ({ from, until: end, failures, licenses }) =>
      `The service could not answer from ${instantText(from)} to ${instantText(end)}: ${failures} requests of ${licenses} licenses.\n`,
  );
  const { head, line } = textTable(
    [
      { title: "LICENSE", width: 12 },
      { title: "CODE", width: 17 },
      { title: "DEVICE", width: 11, grows: true },
      { title: "COUNT", width: 5 },
      { title: "UNEXPLAINED", width: 11 },
      { title: "IN OUTAGE", width: 9 },
      { title: "LAST", width: 20 },
    ],
    context.columns,
  );
  const rows = devices.map((one) =>
    line([
      idText(one.license_id, context),
      one.code,
      one.device_hash === null ? one.device : `${one.device} ${one.device_hash}`,
      String(one.count),
      String(one.unexplained),
      String(one.in_outage),
      instantText(one.last_at),
    ]),
  );
  return [
    `From ${instantText(since)} to ${instantText(until)} in ${table}\n`,
    `${codes.join(", ") || "Nobody was refused."}\n`,
    ...(periods.length > 0 ? periods : ["No request failed.\n"]),
    ...(rows.length > 0 ? ["\n", head, ...rows] : []),
  ].join("");
}
