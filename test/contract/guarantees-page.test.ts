import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { knownBugs } from "../../simulation/known-bugs.ts";

const root = join(import.meta.dirname, "../..");

test("docs/guarantees.md names every rule of the checker, and none that is not there", () => {
  const [, table = ""] = textOf("docs/guarantees.md").split("| rule of the checker");
  const named = (table.split("\n\n")[0] ?? "")
    .split("\n")
    .flatMap((line) => line.split("|").slice(2))
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, rule]) => rule));
  expect(named.toSorted()).toEqual(checkedRules());
});

test("every fault that is put back breaks a rule of the checker", () => {
  const rules = new Set(Object.values(knownBugs).map(({ rule }) => rule));
  expect(checkedRules()).toEqual(expect.arrayContaining([...rules]));
});

/** The first words of each `fail` and `untrue` of the simulation, and the rules that stand in constants. */
function checkedRules(): string[] {
  const folder = "simulation";
  const said = readdirSync(join(root, folder)).flatMap((name) => {
    const text = textOf(`${folder}/${name}`);
    const constants = name.startsWith("check") ? text.matchAll(/\bconst \w+ = "(\w+ [^"]+)"/g) : [];
    return [...text.matchAll(/\b(?:fail|untrue)\(\s*"([^"]+)"/g), ...constants];
  });
  return [...new Set(said.map(([, rule = ""]) => rule))].toSorted();
}

function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}
