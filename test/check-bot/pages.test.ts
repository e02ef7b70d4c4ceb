import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { allCases } from "../../check-bot/cases/all-cases.ts";
import { findingSections } from "../../check-bot/findings.ts";
import { checkBotHelp } from "../../check-bot/run-check-bot.ts";
import { anchorsOf } from "../support/anchors.ts";
import { mutants } from "./mutants.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
const page = read("docs/bots.md");
const headings = anchorsOf(page);

test("the program of docs/bots.md is the one that check-bot passes, line by line", () => {
  const [, program = ""] = /^```text\n(.*?)^```/ms.exec(page) ?? [];
  const lines = [...read("test/check-bot/bots/from-the-page.py").matchAll(/^ *#\| ?(.*)$/gm)];
  const transliterated = lines.map(([, line = ""]) => line).join("\n");
  expect(transliterated.trim()).toBe(program.trim());
  expect(program.trim().split("\n").length).toBeLessThanOrEqual(42);
});

test("an author has 1,600 words to read, and 3,000 with the page on platforms", () => {
  const words = (text: string) => text.split(/\s+/).filter(Boolean).length;
  expect(words(page)).toBeLessThanOrEqual(1_600);
  expect(words(page) + words(read("docs/platforms.md"))).toBeLessThanOrEqual(3_000);
});

test("every case and every finding names a section that docs/bots.md has", () => {
  const named = [...allCases.map(({ section }) => section), ...Object.values(findingSections)];
  expect(named.filter((section) => !headings.includes(section))).toEqual([]);
});

test("for every case there is a bot with a fault that fails it", () => {
  const names = allCases.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const failed = new Set(mutants.flatMap(({ finds }) => Object.keys(finds)));
  expect([...failed].sort()).toEqual(names.toSorted());
});

test("every setting that the help names stands in docs/bots.md, but for TRADE_URL", () => {
  const [, settings = ""] = /variables:\n(.*?)\n\n/s.exec(checkBotHelp) ?? [];
  const names = [...settings.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(3);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual(["TRADE_URL"]);
});
