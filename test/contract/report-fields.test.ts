import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { heartbeatText } from "../../clients/typescript/requests.ts";
import { callerFields } from "../../contract/requests/fields.ts";
import { heartbeatRequestSchema } from "../../contract/requests/heartbeat-request.ts";
import { sessionSchema, vacancySchema } from "../../lambdas/rules/entry.ts";
import { licenseItemSchema } from "../../ops/data/license-item.ts";

const holderFields = [...Object.keys(callerFields), "session_id", "keep"];
const reportFields = Object.keys(heartbeatRequestSchema.shape).filter(
  (field) => !holderFields.includes(field),
);

function read(path: string): string {
  return readFileSync(join(import.meta.dirname, "../..", path), "utf8");
}

describe("what a heartbeat may report", () => {
  test("is what the TypeScript client sends", () => {
    const options = { url: "", licenseKey: "KEY", deviceFingerprint: "device", symbol: "ES" };
    // As its type has it, so that a field that is added there stands here as well.
    const report: Required<Parameters<typeof heartbeatText>[2] & object> = {
      botVersion: "1",
      status: "trading",
      metadata: {},
    };
    const sent = Object.keys(JSON.parse(heartbeatText(options, "session", report)));
    expect(sent.filter((field) => !holderFields.includes(field)).sort()).toEqual(
      reportFields.sort(),
    );
  });

  test("is what the Python client sends", () => {
    const source = read("clients/python/license_session/requests.py");
    const [, names = ""] = /^_REPORTED = \((.*)\)$/m.exec(source) ?? [];
    expect(names.match(/\w+/g)?.sort()).toEqual(reportFields.sort());
  });

  test.each(reportFields)("%s stands in docs/bots.md", (field) => {
    expect(read("docs/bots.md")).toMatch(new RegExp(`A heartbeat may report[^.]*\`${field}\``));
  });
});

const entries = [sessionSchema, vacancySchema].map((schema) => schema._zod.def.in);

test.each([licenseItemSchema, ...entries].flatMap(({ shape }) => Object.keys(shape)))(
  "the attribute %s stands in docs/data-model.md",
  (attribute) => {
    expect(read("docs/data-model.md")).toContain(`\`${attribute}\``);
  },
);
