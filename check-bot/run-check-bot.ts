import { parseArgs } from "node:util";
import type { Case } from "./case.ts";
import { allCases } from "./cases/all-cases.ts";
import { type CaseResult, playCase } from "./play-case.ts";
import { jsonReport, textReport } from "./report.ts";
import { buildStillClock, type StillClock } from "./still-clock.ts";

/** Where the examiner writes, and what stops it early. */
type CheckBotContext = {
  output: { write(text: string): unknown };
  messages: { write(text: string): unknown };
  stop?: AbortSignal;
};

export const checkBotHelp = `Usage: check-bot [options] -- COMMAND [WORDS]

Plays the license service to your trading bot, in any language, and judges what it does.

The bot gets its settings by environment variables:
  LICENSE_URL         address of the service, as http://127.0.0.1:12345
  LICENSE_KEY         the license key
  DEVICE_FINGERPRINT  the fingerprint of the device
  SYMBOL              the trading symbol
  TRADE_URL           where a bot without an output may post its TRADE lines

All that the bot must add: a line TRADE about every 100 ms while it believes that it may trade. Flush
each line, or add the wall clock in milliseconds (TRADE 1767225600000).

Options:
  --only CASE    play this case only; may be repeated, or name several with commas
  --skip CASE    leave this case out; as --only
  --at-once N    so many cases at once, 1 to 4 (3)
  --list         list the cases, with their sections of docs/bots.md
  --json         print the result as JSON
  --trace        print what happened in each case
  --help         print this

Exit codes: 0 every case passed (a skipped one is named); 1 one failed, or stayed inconclusive;
2 wrong usage, or the command can't be started; 130 stopped.
`;

/**
 * Examines the program that `argv` names.
 *
 * @param argv without the program's own words, as \`["--json", "--", "python3", "bot.py"]\`
 * @returns the exit code, as the help lists them
 */
export async function runCheckBot(
  argv: readonly string[],
  { output, messages, stop }: CheckBotContext,
): Promise<number> {
  const options = readOptions(argv);
  if ("problem" in options) {
    messages.write(`${options.problem}\nAdd --help for usage.\n`);
    return 2;
  }
  if (options.show === "help") {
    output.write(checkBotHelp);
    return 0;
  }
  if (options.show === "list") {
    output.write(listOf(options.cases, options.json));
    return 0;
  }
  const { cases, command, atOnce, json, trace } = options;
  const startedMs = performance.now();
  const stillClock = cases.some((one) => one.needsStillClock) ? buildStillClock() : undefined;
  try {
    const results = await examine(cases, command, atOnce, stillClock, messages, stop);
    if (stop?.aborted) return 130;
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    output.write((json ? jsonReport : textReport)(results, seconds, trace));
    return results.every(({ result }) => result === "passed" || result === "skipped") ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    messages.write(`Can't start ${command[0]}: ${error.message}\n`);
    return 2;
  } finally {
    stillClock?.remove();
  }
}

async function examine(
  cases: readonly Case[],
  command: readonly string[],
  atOnce: number,
  stillClock: StillClock | undefined,
  messages: CheckBotContext["messages"],
  stop: AbortSignal | undefined,
): Promise<CaseResult[]> {
  const results = new Map<Case, CaseResult>();
  const waiting = [...cases];
  let deaf = false;
  // Where one case can't be played, the others are ended, so that no program is left behind.
  const broken = new AbortController();
  const ended = stop ? AbortSignal.any([stop, broken.signal]) : broken.signal;
  const work = async () => {
    for (let next = waiting.shift(); next && !ended.aborted && !deaf; next = waiting.shift()) {
      const result = await playCase(next, command, stillClock, ended);
      if (ended.aborted) return;
      results.set(next, result);
      messages.write(`${result.result.padEnd(12)}  ${result.name}\n`);
      // It never came to the service: so it would be in each case.
      deaf = [...results.values()].every(({ findings }) => findings.some(isDeaf));
    }
  };
  const workers = Array.from({ length: atOnce }, async () => {
    try {
      await work();
    } catch (error) {
      broken.abort();
      throw error;
    }
  });
  await Promise.allSettled(workers);
  await Promise.all(workers);
  if (deaf && waiting.length > 0) {
    messages.write("It never came to LICENSE_URL: the other cases are not played.\n");
  }
  for (const [one, { result }] of results) {
    if (result !== "inconclusive" || ended.aborted) continue;
    messages.write(`again, alone  ${one.name}\n`);
    results.set(one, await playCase(one, command, stillClock, ended));
  }
  return cases.flatMap((one) => results.get(one) ?? []);
}

function isDeaf({ kind }: CaseResult["findings"][number]): boolean {
  return kind === "no-claim";
}

type Options = {
  show: "results" | "list" | "help";
  cases: readonly Case[];
  command: readonly string[];
  atOnce: number;
  json: boolean;
  trace: boolean;
};

function readOptions(argv: readonly string[]): Options | { problem: string } {
  // Where there are no options, npm has taken the only `--` away.
  const bare = argv[0]?.startsWith("-") === false;
  const separator = argv.indexOf("--");
  const end = bare ? -1 : separator < 0 ? argv.length : separator;
  const own = bare ? [] : argv.slice(0, end);
  const command = argv.slice(end + 1);
  const parsed = parse(own);
  if ("problem" in parsed) return parsed;
  const { values } = parsed;
  const names = (words: readonly string[] = []) => words.flatMap((word) => word.split(","));
  const only = names(values.only);
  const skip = names(values.skip);
  const unknown = [...only, ...skip].find((name) => !allCases.some((one) => one.name === name));
  if (unknown !== undefined)
    return { problem: `There is no case "${unknown}"; --list has them all.` };
  const cases = allCases.filter(
    ({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name),
  );
  const atOnce = Number(values["at-once"] ?? 3);
  if (![1, 2, 3, 4].includes(atOnce)) return { problem: "--at-once takes 1 to 4." };
  const show = values.help ? "help" : values.list ? "list" : "results";
  if (show === "results" && command.length === 0) {
    return { problem: "Name the command that starts your bot, after --." };
  }
  if (cases.length === 0) return { problem: "No case is left: --skip names all of --only." };
  return { show, cases, command, atOnce, json: values.json ?? false, trace: values.trace ?? false };
}

function parse(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: {
        only: { type: "string", multiple: true },
        skip: { type: "string", multiple: true },
        "at-once": { type: "string" },
        list: { type: "boolean" },
        json: { type: "boolean" },
        trace: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function listOf(cases: readonly Case[], json: boolean): string {
  if (json) {
    const listed = cases.map(({ name, section, shows }) => ({
      name,
      section: `docs/bots.md#${section}`,
      shows,
    }));
    return `${JSON.stringify(listed, undefined, 2)}\n`;
  }
  return cases
    .map(
      ({ name, section, shows }) => `${name}\n  A program ${shows}.\n  docs/bots.md#${section}\n`,
    )
    .join("");
}
