import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { codesOf, routes } from "../../contract/routes.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/bots.md"), "utf8");

test("docs/bots.md says what to do for every code of the contract, and has no other", () => {
  const [, table = ""] = page.split("## What to do for each answer");
  const [section = ""] = table.split("\n## ");
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const listed = rows.flatMap((row) => row.split("|")[1]?.match(/[a-z_]+/g) ?? []);
  const known = new Set(routes.flatMap(({ answers }) => answers.flatMap(codesOf)));
  expect(listed.sort()).toEqual([...known].sort());
});
