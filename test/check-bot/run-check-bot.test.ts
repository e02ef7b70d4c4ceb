import { describe, expect, test } from "vitest";
import { allCases } from "../../check-bot/cases/all-cases.ts";
import { runCheckBot } from "../../check-bot/run-check-bot.ts";

async function run(...argv: string[]) {
  const said = { output: "", messages: "" };
  const code = await runCheckBot(argv, {
    output: { write: (text: string) => (said.output += text) },
    messages: { write: (text: string) => (said.messages += text) },
  });
  return { code, ...said };
}

describe("check-bot", () => {
  test("lists every case with its section of docs/bots.md", async () => {
    const { code, output } = await run("--list");
    expect(code).toBe(0);
    for (const { name, section } of allCases) {
      expect(output).toMatch(new RegExp(`^${name}\n.*\n {2}docs/bots.md#${section}$`, "m"));
    }
    const listed: { name: string }[] = JSON.parse((await run("--list", "--json")).output);
    expect(listed.map(({ name }) => name)).toEqual(allCases.map(({ name }) => name));
  });

  test.for([
    ["no command", [], "Name the command"],
    ["a case that there is not", ["--only", "tea", "--", "bot"], 'no case "tea"'],
    ["an option that there is not", ["--tea", "--", "bot"], "--tea"],
    ["too many cases at once", ["--at-once", "9", "--", "bot"], "1 to 4"],
    ["no case left", ["--only", "taken", "--skip", "taken", "--", "bot"], "No case is left"],
    ["a command that can't be started", ["--only", "taken", "--", "/no/bot"], "/no/bot"],
  ] as const)("ends with 2 for %s", async ([, argv, message]) => {
    const { code, output, messages } = await run(...argv);
    expect({ code, output }).toEqual({ code: 2, output: "" });
    expect(messages).toContain(message);
  });

  test("ends with 1, and plays no more, if the program never comes to it", async () => {
    const bot = ["node", "-e", "console.log(process.env.LICENSE_KEY, 'no bot'); process.exit(3)"];
    const { code, output, messages } = await run("--at-once", "1", "--json", "--", ...bot);
    expect(code).toBe(1);
    const { cases } = JSON.parse(output);
    expect(cases).toHaveLength(1);
    const kinds = cases[0].findings.map(({ kind }: { kind: string }) => kind);
    expect(kinds.sort()).toEqual(["leaked-key", "no-claim"]);
    expect(messages).toContain("other cases are not played");
  });

  test("prints what a failed program said last, without the license key", async () => {
    const bot = ["node", "-e", "console.log('key', process.env.LICENSE_KEY, '\\u001b[2J')"];
    const { code, output } = await run("--only", "taken", "--", ...bot);
    expect(code).toBe(1);
    expect(output).toContain("    key *** ?[2J");
    expect(output).toContain("docs/bots.md#claim");
  });
});
