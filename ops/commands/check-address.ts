import type { Command } from "commander";
import * as z from "zod";
import { type AddressAnswer, askAddress, legacyPaths } from "../data/ask-address.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { option, readAs } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { type Column, tableText } from "../terminal/text-table.ts";

type Expected = "gap" | "service";
type CheckOptions = { expect?: Expected; json?: true };

export function addCheckAddressCommand(program: Command, context: CommandContext): void {
  program
    .command("check-address")
    .argument(
      "<url>",
      "the old address, as bots have it, without /api",
      readAs("The address", urlSchema),
    )
    .description(
      "Says what an address answers to the bots of the old server, and what they make of it: before a " +
        "move, in the gap, and after. It asks the three routes with a key that nobody has, and changes nothing.",
    )
    .addOption(
      option(
        "--expect <what>",
        "gap (nobody answers, or only a 5xx) or service; anything else is exit code 1",
        expectSchema,
      ),
    )
    .option("--json", "print JSON, always of the same shape")
    .addHelpText(
      "after",
      `
Running bots carry on through silence and 5xx. A 403 ends them, and a 401 stops them at their check, even if
it is a page of a web server. So stop the old server in such a way that the gap is one: check it.

Example:
  npm run license -- check-address https://old.example.com --expect gap`,
    )
    .action(async (url: string, options: CheckOptions) => {
      const answers = await Promise.all(legacyPaths.map((path) => askAddress(url, path)));
      const verdict = verdictOf(answers, options.expect);
      const text = tableText(columns, answers, context.columns);
      await printResult(context, options, { url, answers, ...verdict }, text);
      if (!verdict.ok) throw new CommandError(verdict.why);
      context.messages.write(`${verdict.why}\n`);
    });
}

const urlSchema = z
  .url({ protocol: /^https?$/ })
  .describe("an address such as https://old.example.com");

const expectSchema = z.enum(["gap", "service"]).describe("gap or service");

function verdictOf(
  answers: readonly AddressAnswer[],
  expected: Expected | undefined,
): { ok: boolean; why: string } {
  const isGap = answers.every(({ answering }) => answering === "nobody" || answering === "failure");
  const isService = answers.every(({ answering }) => answering === "service");
  const unsafe = answers.filter(({ answering }) => answering === "something else");
  if (unsafe.length > 0) {
    const paths = unsafe.map(({ path, status }) => `${path} (${status})`).join(", ");
    return {
      ok: false,
      why: `Not safe for running bots: ${paths} is answered by something that is no license service. In the gap only silence or a 5xx is allowed.`,
    };
  }
  if (isGap) {
    const why = "A gap: running bots carry on, and nobody can start.";
    return expected === "service"
      ? { ok: false, why: `No service answers. ${why}` }
      : { ok: true, why };
  }
  if (isService) {
    const why = "A license service answers on all three routes.";
    return expected === "gap"
      ? { ok: false, why: `Not a gap: ${why} Never let two services answer at the same time.` }
      : { ok: true, why };
  }
  const some = answers.filter(({ answering }) => answering === "service").map(({ path }) => path);
  return {
    ok: expected === undefined,
    why: `A service answers ${some.join(" and ")} only; the others are a gap.`,
  };
}

const columns: Column<AddressAnswer>[] = [
  { title: "ROUTE", width: 21, text: ({ path }) => path },
  { title: "ANSWERED BY", width: 14, text: ({ answering }) => answering },
  { title: "STATUS", width: 6, text: ({ status }) => String(status ?? "-") },
  { title: "TO A RUNNING BOT", width: 33, grows: true, text: ({ effect }) => effect },
];
