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
let recorded: Promise<Example[]> | undefined;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());

/** Recorded once, by the first test that asks: what runs before the tests, Stryker can't tell apart. */
function recordedExamples(): Promise<Example[]> {
  recorded ??= recordExamples(engine);
  return recorded;
}

async function documentText(): Promise<string> {
  return `${JSON.stringify(openApiDocument(await recordedExamples()), null, 2)}\n`;
}

test("openapi.json is what the schemas and the functions say; npm run openapi writes it", async () => {
  await expect(await documentText()).toMatchFileSnapshot(file);
});

test("docs/api.md is what the schemas and the functions say; npm run openapi writes it", async () => {
  await expect(apiPage(await recordedExamples())).toMatchFileSnapshot(page);
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
  const problems = await lintFromString({ source: await documentText(), config });
  const told = problems.map(({ message, location: [place] }) => [message, place?.pointer]);
  expect(told).toEqual([]);
});

test.for(routes)(
  "every status, code and shape of $path has an answer that was really given",
  async (route) => {
    const answered = (await recordedExamples()).filter(({ path }) => path === route.path);
    const documented = route.answers.flatMap((answer) =>
      codesOf(answer).map((code) => `${answer.status} ${code}`),
    );
    const given = answered.map(({ status, code }) => `${status} ${code}`);
    expect([...new Set(given)].sort()).toEqual([...new Set(documented)].sort());
    for (const { name, status, schema } of route.answers) {
      const isOfShape = ({ answer }: Example) => schema.strict().safeParse(answer).success;
      const example = answered.find((each) => each.status === status && isOfShape(each));
      expect([name, status, example !== undefined]).toEqual([name, status, true]);
    }
  },
);

test("any field that a request may leave out may be null", async () => {
  const { components } = openApiDocument([]);
  for (const { requestName, request } of routes) {
    const { properties = {} } = components.schemas[requestName] ?? {};
    for (const [name, field] of Object.entries(request._zod.def.shape)) {
      const isOptional = field._zod.optin === "optional";
      const property = properties[name];
      const types = typeof property === "object" ? [property.type].flat() : [];
      expect([name, types.includes("null")]).toEqual([name, isOptional]);
    }
  }
});
