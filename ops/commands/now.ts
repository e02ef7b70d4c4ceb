import type { Command } from "commander";
import type { Deployed } from "../data/stack-outputs.ts";
import { serviceNow } from "../data/whole-service.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { printResult } from "../terminal/print-result.ts";
import { fieldsText, idText, instantText } from "../terminal/text-table.ts";
import { addAction } from "./table-options.ts";

export function addNowCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("now")
    .description(
      "Shows the service at a glance: whether it answers and since when, what is deployed, bots online by version, " +
        "refusals of the last 24 hours by code, and licenses that end within 7 days.",
    );
  addAction(command, { example: "now" }, context, async (table, options) => {
    const view = await serviceNow(table, context);
    await printResult(context, options, view, nowText(view, context));
  });
}

function nowText(view: Awaited<ReturnType<typeof serviceNow>>, context: CommandContext): string {
  const { service, online, by_version, refusals, standings, ending_soon, history } = view;
  const { table, deployed } = view;
  const counted = (parts: string[]) => parts.join(", ") || "none";
  return fieldsText(
    [
      ["service", stateText(service)],
      ...(deployed ? [["deployed", deployedText(deployed)] as const] : []),
      [
        "online",
        `${online.sessions} sessions of ${online.devices} devices, ${online.licenses} licenses`,
      ],
      [
        "by version",
        counted(by_version.map((one) => `${one.sessions} ${one.version ?? "without version"}`)),
      ],
      ["refused, 24 h", history ?? counted(refusals.map(({ code, count }) => `${count} ${code}`))],
      ["licenses", counted(Object.entries(standings).map(([name, count]) => `${count} ${name}`))],
      ...ending_soon.map(
        (one) =>
          [
            "ends",
            `${instantText(one.license_expiration)}  ${idText(one.license_id, context)}  ${one.email ?? "-"}`,
          ] as const,
      ),
      ["in", table],
    ],
    context.columns,
  );
}

function deployedText({ at, commit }: Deployed): string {
  return `${instantText(at ?? undefined)}, the commit ${commit ?? "unknown"}`;
}

function stateText({ state, since }: Awaited<ReturnType<typeof serviceNow>>["service"]): string {
  switch (state) {
    case "answering":
      return since === null
        ? "answers; no request failed in the last 24 hours"
        : `answers, since ${instantText(since)}`;
    case "failing":
      return `requests fail, since ${instantText(since ?? undefined)}`;
    case "quiet":
      return since === null
        ? "no bot is live, and none ever was"
        : `no bot is live; the last heartbeat came at ${instantText(since)}`;
  }
}
