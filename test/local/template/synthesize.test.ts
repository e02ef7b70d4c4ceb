import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { routes } from "../../../infra/routes.ts";
import { interpretTemplate } from "../../../local/template/interpret-template.ts";
import { synthesize } from "../../../local/template/synthesize.ts";
import { tempFolder } from "../support/temp-folder.ts";

const never = new AbortController().signal;

test("the stack of this project can be run locally, with the settings it was given", async () => {
  const folder = await tempFolder();
  const settings = {
    sessionTimeoutSeconds: "7",
    multiSymbolSessions: "false",
    legacyBots: "true",
    "license-sessions:own-engine": "true",
  };
  const app = interpretTemplate(await synthesize(folder, settings, never), folder);

  expect(app.routes.map(({ routeKey }) => routeKey)).toEqual(
    Object.values(routes).map(({ path }) => `POST ${path}`),
  );
  expect(app.tables).toEqual([
    {
      tableName: "Sessions",
      KeySchema: [{ AttributeName: "license_id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "license_id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    },
  ]);
  expect(app.everyMinute).toEqual([]);
  expect(app.functions.map(({ id }) => id)).toEqual(app.routes.map(({ functionId }) => functionId));
  for (const { id, codeFolder, ...spec } of app.functions) {
    expect(existsSync(join(codeFolder, "index.cjs"))).toBe(true);
    expect(spec).toEqual({
      handler: "index.handler",
      timeoutSeconds: 5,
      memoryMb: 512,
      logLevel: "INFO",
      environment: {
        TABLE_NAME: "Sessions",
        SESSION_TIMEOUT_SECONDS: "7",
        MULTI_SYMBOL_SESSIONS: "false",
        LEGACY_BOTS: "true",
      },
    });
  }
});

test("what is wrong with the stack is reported in its own words", async () => {
  const synthesized = synthesize(await tempFolder(), { sessionTimeoutSeconds: "soon" }, never);
  await expect(synthesized).rejects.toThrow("context sessionTimeoutSeconds");
});
