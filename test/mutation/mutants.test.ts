import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mutants } from "./mutants.ts";

test("what each mutant replaces stands in the code exactly once", () => {
  const root = join(import.meta.dirname, "../..");
  const adrift = mutants.filter(
    ({ file, from }) => readFileSync(join(root, file), "utf8").split(from).length !== 2,
  );
  expect(adrift).toEqual([]);
});
