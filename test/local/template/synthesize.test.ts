import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAssembly } from "../../../local/template/read-assembly.ts";
import { synthesize } from "../../../local/template/synthesize.ts";
import { tempFolder } from "../support/temp-folder.ts";

const never = new AbortController().signal;

test("the stack of this project can be run locally, with the settings it was given", async () => {
  const folder = await tempFolder();
  await synthesize(folder, { sessionTimeoutSeconds: "7", multiSymbolSessions: "false" }, never);
  const app = await readAssembly(folder);

  expect(app.routes.map(({ routeKey }) => routeKey).sort()).toEqual([
    "POST /api/heartbeat",
    "POST /api/session/release",
    "POST /api/validate-license",
  ]);
  expect(app.tables.map(({ tableName }) => tableName)).toEqual(["Sessions"]);
  expect(app.functions).toHaveLength(3);
  for (const { codeFolder, environment } of app.functions) {
    expect(existsSync(join(codeFolder, "index.cjs"))).toBe(true);
    expect(environment).toEqual({
      TABLE_NAME: "Sessions",
      SESSION_TIMEOUT_SECONDS: "7",
      MULTI_SYMBOL_SESSIONS: "false",
    });
  }
});

test("what is wrong with the stack is told in its own words", async () => {
  const synthesized = synthesize(await tempFolder(), { sessionTimeoutSeconds: "soon" }, never);
  await expect(synthesized).rejects.toThrow("context sessionTimeoutSeconds");
});
