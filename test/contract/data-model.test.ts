import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withTables } from "./data-model-tables.ts";

const page = join(import.meta.dirname, "../../docs/data-model.md");

test("the tables of docs/data-model.md are what the schemas say; npm run openapi writes them", async () => {
  await expect(withTables(readFileSync(page, "utf8"))).toMatchFileSnapshot(page);
});
