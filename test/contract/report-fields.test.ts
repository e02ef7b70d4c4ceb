import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { heartbeatText } from "../../clients/typescript/requests.ts";
import { callerFields } from "../../contract/requests/fields.ts";
import { heartbeatRequestSchema } from "../../contract/requests/heartbeat-request.ts";
import { reportSchema } from "../../lambdas/rules/entry.ts";

const holderFields = [...Object.keys(callerFields), "session_id", "keep"];
const reportFields = Object.keys(heartbeatRequestSchema.shape).filter(
  (field) => !holderFields.includes(field),
);

function read(path: string): string {
  return readFileSync(join(import.meta.dirname, "../..", path), "utf8");
}

/** What is stored under another name than it is sent. */
const columns: Record<string, string> = { status: "bot_status" };

describe("what a heartbeat may report", () => {
  test("is what is stored of it", () => {
    expect(Object.keys(reportSchema.shape).sort()).toEqual(
      reportFields.map((field) => columns[field] ?? field).sort(),
    );
  });

  test("is what the TypeScript client sends", () => {
    const options = { url: "", licenseKey: "KEY", deviceFingerprint: "device", symbol: "ES" };
    const [, type = ""] =
      /^export type BotReport = \{(.*?)^\};$/ms.exec(read("clients/typescript/requests.ts")) ?? [];
    const names = [...type.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
    const report = Object.fromEntries(names.map((name) => [name, "reported"]));
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

  test("is what the C# client sends", () => {
    const [, lines = ""] =
      /string TextOf\(SessionReport report\)(.*?)Json\.Write/s.exec(
        read("clients/csharp/Reporter.cs"),
      ) ?? [];
    const names = [...lines.matchAll(/fields\["(\w+)"\]/g)].map(([, name]) => name);
    expect(names.sort()).toEqual(reportFields.sort());
  });

  test.each(reportFields)("%s stands in docs/bots.md", (field) => {
    expect(read("docs/bots.md")).toMatch(new RegExp(`A heartbeat may report[^.]*\`${field}\``));
  });
});
