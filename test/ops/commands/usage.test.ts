import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";

const secret = "SECRET-KEY-0001";

const engine = await startDynalite();
const license = operator(engine);
beforeAll(() => license(["create", "--key", secret, "--days", "30"]));
afterAll(() => engine.stop());

const verbs = [
  ...["create", "show", "list", "find", "history", "now", "refusals", "usage", "check-address"],
  ...["online", "suspend", "activate", "cancel", "extend", "set", "end-session", "rekey", "delete"],
  ...["import", "export"],
];

describe("--help", () => {
  test("names every verb", async () => {
    const { exitCode, stdout } = await license("--help");
    expect(exitCode).toBe(0);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb} `, "m"));
  });

  test.for(verbs)("of %s has an example that is no wrong usage", async (verb) => {
    const { exitCode, stdout } = await license([verb, "--help"]);
    expect(exitCode).toBe(0);
    const [, example = ""] = /^Example:\n {2}npm run (?:-s )?license -- (.*)$/m.exec(stdout) ?? [];
    expect(example.startsWith(verb)).toBe(true);
    expect((await license(example.replace(/ >.*/, ""))).exitCode).not.toBe(2);
  });
});

describe("wrong usage: exit code 2, a sentence that names what, and no key in it", () => {
  test.for([
    [[secret], "no such verb"],
    [["shw", secret], "no such verb"],
    [["show"], "license"],
    [["show", secret, secret], "too many arguments"],
    [["show", secret, `--kye=${secret}`], "--kye"],
    [["show", `-${secret}`], "unknown option"],
    [["show", "A KEY WITH SPACES"], "without space"],
    [["create", "--key", "A KEY WITH SPACES"], "--key"],
    [["create", "--key", "12345678901"], "--key must be 12 to 128"],
    [["create", "--days", "-5"], "--days"],
    [["create", "--days", "1e3"], "--days"],
    [["create", "--max-sessions", "0"], "--max-sessions"],
    [["create", "--email", "nobody"], "--email"],
    [["create", "--type", ""], "--type"],
    [["list", "--status", "frozen"], "--status"],
    [["list", "--expiring-within", "-3"], "--expiring-within"],
    [["list", "--limit", "0"], "--limit"],
    [["extend", secret, "--days", "-5"], "--days"],
    [["extend", secret, "--days", "0"], "--days"],
    [["extend", secret, "--days", "1.5"], "--days"],
    [["extend", secret, "--until", "2027-02-30"], "--until"],
    [["extend", secret, "--until", "soon"], "--until"],
    [["extend", secret, "--until", "2020-01-01"], "--until"],
    [["extend", secret], "--days"],
    [["extend", "--days", "3"], "Name one or more licenses, or choose them"],
    [["extend", secret, "--type", "standard", "--days", "3"], "not both"],
    [["extend", secret, "--days", "3", "--until", "2027-01-31"], "--until"],
    [["extend", secret, "--until", "Never"], "--until"],
    [["find"], "--email"],
    [["find", ""], "The text"],
    [["usage", "--month", "October"], "--month"],
    [["usage"], "--month"],
    [["refusals", "--since", "yesterday"], "--since"],
    [["check-address", "old.example.com"], "The address"],
    [["check-address", "http://127.0.0.1:9", "--expect", "nothing"], "--expect"],
    [["list", "--version", ""], "--version"],
    [["extend", secret, "--days", "3", "--operation", "1"], "--operation"],
    [["set", secret, "--timeout", "29"], "--timeout must be a whole number from 30 to 86400"],
    [["create", "--timeout", "86401"], "--timeout must be a whole number from 30 to 86400"],
    [["set", secret, "--timeout", "1m"], "--timeout"],
    [["set", secret, "--type", "pro\tyearly"], "without tabs, line breaks"],
    [["console", "--port", "70000"], "--port"],
    [["history", secret, "--since", "yesterday"], "--since"],
    [["suspend", secret, "--reason", "x".repeat(101), "--yes"], "--reason"],
    [["set", secret], "--max-sessions"],
    [["set", secret, "--max-sessions", "many"], "--max-sessions"],
    [["end-session", secret, "--symbol", "E\u001bS", "--yes"], "--symbol"],
    [["end-session", secret, "--symbol", "ES", "--all"], "--all"],
    [["list", "--stack", "A", "--table", "Abc"], "--table"],
    [["import"], "file"],
  ] as const)("%s", async ([words, named]) => {
    const before = (await license("export")).stdout;
    const { exitCode, stdout, stderr } = await license(words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(named);
    expect(stderr).not.toContain(secret);
    // Nothing of what a schema says by itself.
    expect(stderr).not.toMatch(/undefined|invalid|too (small|big)/i);
    expect((await license("export")).stdout).toBe(before);
  });

  test("without a verb it shows how it is used", async () => {
    const { exitCode, stderr } = await license([]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Usage: license VERB");
  });
});

test("a database that is not there is one sentence that says what to do, and exit code 1", async () => {
  const ran = await license("list", { variables: { DYNAMODB_ENDPOINT: "http://127.0.0.1:9" } });
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr).toContain("npm start");
});

describe("the documentation", () => {
  const root = join(import.meta.dirname, "../../..");
  const pages = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));
  const commands = ["README.md", ...pages.map((file) => join("docs", file))]
    .flatMap((file) => readFileSync(join(root, file), "utf8").replaceAll("\\|", "|").split("\n"))
    .flatMap((line) => [...line.matchAll(/npm run (?:-s )?license -- ([^`|>]+)/g)])
    .map(([, words = ""]) => words.replace(/ #.*/, "").trim())
    .filter((words) => !words.includes("VERB"));

  test("has commands", () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  test.for(commands)("is right to say %s", async (command) => {
    const words = command
      .replaceAll(/--(stack|table) \S+/g, "")
      .replaceAll(/\b(KEY|ID)\b/g, licenseIdOf(secret).slice(0, 8))
      .trim()
      .split(/ +/);
    const { exitCode, stderr } = await license(words);
    expect([exitCode, stderr]).not.toEqual([2, expect.anything()]);
  });
});
