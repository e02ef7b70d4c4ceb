import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { ageText, type Column, fieldsText, textTable } from "../../../ops/terminal/text-table.ts";

const columns: Column<string[]>[] = [
  { title: "ID", width: 4, text: ([id = ""]) => id },
  { title: "NAME", width: 10, grows: true, text: ([, name = ""]) => name },
  { title: "OWNER", width: 6, grows: true, text: ([, , owner = ""]) => owner },
];
const wide = "\u6771\u4eac\u306e\u30c7\u30fc\u30bf\u30bb\u30f3\u30bf\u30fc";

describe("a table", () => {
  test.for([80, 100, 120])(
    "is as wide as a terminal of %i columns, wide characters or not",
    (width) => {
      const { line } = textTable(columns, width);
      for (const name of [
        "n".repeat(200),
        wide.repeat(20),
        "\u{1f600}".repeat(90),
        "e\u0301".repeat(200),
      ]) {
        const printed = line(["1", name, "owner"]).trimEnd();
        expect(stringWidth(printed)).toBeLessThanOrEqual(width);
        expect(printed).toContain("\u2026");
        // The next column stands where it stands in every line.
        const before = printed.slice(0, printed.indexOf("owner"));
        expect(stringWidth(before)).toBe(6 + 10 + Math.floor((width - 24) / 2) + 2);
      }
    },
  );

  test("has whole texts in a pipe", () => {
    const { line } = textTable(columns, undefined);
    expect(line(["1", wide.repeat(20), "x"])).toContain(wide.repeat(20));
  });

  test("never cuts a character in two", () => {
    const { line } = textTable([{ title: "N", width: 4, text: (name: string) => name }], 4);
    expect(line(`a${wide}`)).toBe("a\u6771\u2026\n");
  });
});

test("a field goes on in as many lines as the terminal needs, and in one in a pipe", () => {
  const lines = fieldsText([["metadata", wide.repeat(10)]], 60)
    .trimEnd()
    .split("\n");
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(60);
  expect(lines.map((line) => line.slice(18)).join("")).toBe(wide.repeat(10));
  expect(fieldsText([["metadata", wide.repeat(10)]], undefined).trimEnd()).not.toContain("\n");
});

test.for([
  [0, "0 s"],
  [119_999, "119 s"],
  [120_000, "2 min"],
  [7_200_000, "2 h"],
  [172_800_000, "2 d"],
  [-5_000, "0 s"],
] as const)("an age of %i ms is %s", ([ageMs, text]) => {
  expect(ageText(1_000_000_000_000 - ageMs, 1_000_000_000_000)).toBe(text);
});
