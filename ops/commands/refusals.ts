import type { Command } from "commander";
import { deviceText } from "../data/line-words.ts";
import type { RefusedDevice } from "../data/refusals.ts";
import { serviceRefusals } from "../data/whole-service.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { type Since, sinceOption, untilOption } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { type Column, idText, instantText, tableText } from "../terminal/text-table.ts";
import { addAction, type TableOptions } from "./table-options.ts";

type RefusalsOptions = TableOptions & { since: Since; until?: number };

export function addRefusalsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("refusals")
    .description(
      "Lists who was refused, by code, and when the service could not answer; and whether a refusal " +
        "because of another session is explained by one that was held.",
    )
    .addOption(sinceOption(1))
    .addOption(untilOption());
  const more = `
UNEXPLAINED counts refusals for which no line shows a holder: look at those with history. IN OUTAGE counts
those within five minutes of requests that failed.
`;
  const help = { example: "refusals --since 3d", more };
  addAction<RefusalsOptions>(command, help, context, async (table, { since, until, json }) => {
    const period = { sinceMs: since(context.now()), untilMs: until };
    const view = await serviceRefusals(table, period, context);
    await printResult(context, { json }, view, refusalsText(view, context));
  });
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
  return [
    `From ${instantText(since)} to ${instantText(until)} in ${table}\n`,
    `${codes.join(", ") || "Nobody was refused."}\n`,
    ...(periods.length > 0 ? periods : ["No request failed.\n"]),
    devices.length > 0 ? `\n${tableText(columnsFor(context), devices, context.columns)}` : "",
  ].join("");
}

const columnsFor = (context: CommandContext): Column<RefusedDevice>[] => [
  { title: "LICENSE", width: 12, text: (one) => idText(one.license_id, context) },
  { title: "CODE", width: 17, text: (one) => one.code },
  { title: "DEVICE", width: 11, grows: true, text: deviceText },
  { title: "COUNT", width: 5, text: (one) => String(one.count) },
  { title: "UNEXPLAINED", width: 11, text: (one) => String(one.unexplained) },
  { title: "IN OUTAGE", width: 9, text: (one) => String(one.in_outage) },
  { title: "LAST", width: 20, text: (one) => instantText(one.last_at) },
];
