import { join } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiPage } from "../../contract/api-page.ts";
import { type Example, openApiDocument } from "../../contract/openapi.ts";
import { codesOf, routes } from "../../contract/routes.ts";
import { startDynalite } from "../support/engines.ts";
import { recordExamples } from "./recorded-examples.ts";

const file = join(import.meta.dirname, "../../openapi.json");
const page = join(import.meta.dirname, "../../docs/api.md");

let engine: Awaited<ReturnType<typeof startDynalite>>;
let examples: Example[];
let text: string;
beforeAll(async () => {
  engine = await startDynalite();
  examples = await recordExamples(engine);
  text = `${JSON.stringify(openApiDocument(examples), null, 2)}\n`;
});
afterAll(() => engine.stop());

test("openapi.json is what the schemas and the functions say; npm run openapi writes it", async () => {
  await expect(text).toMatchFileSnapshot(file);
});

test("docs/api.md is what the schemas and the functions say; npm run openapi writes it", async () => {
  await expect(apiPage(examples)).toMatchFileSnapshot(page);
});

test("it is valid OpenAPI, and its examples are what its schemas describe", async () => {
  const config = await createConfig({
    extends: ["recommended-strict"],
    rules: {
      "no-invalid-media-type-examples": { severity: "error", allowAdditionalProperties: false },
      "no-invalid-schema-examples": "error",
      // The project's own license is nobody's business who calls it.
      "info-license": "off",
    },
  });
  expect(await lintFromString({ source: text, config })).toEqual([]);
});

test.for(routes)("every status and code of $path has an answer that was really given", (route) => {
  const answered = examples.filter(({ path }) => path === route.path);
  const documented = route.answers.flatMap((answer) =>
    codesOf(answer).map((code) => `${answer.status} ${code}`),
  );
  expect(answered.map(({ status, code }) => `${status} ${code}`).sort()).toEqual(documented.sort());
});
