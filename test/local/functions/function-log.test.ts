import { describe, expect, test } from "vitest";
import { formatLogLine } from "../../../local/functions/function-log.ts";

const now = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6));
const messageOf = (...values: unknown[]) =>
  JSON.parse(formatLogLine("INFO", values, "r-1", now)).message;

describe("a log line", () => {
  test("is one JSON object with time, level and request", () => {
    expect(formatLogLine("WARN", ["a\nb"], "r-1", now)).toBe(
      '{"timestamp":"2026-01-02T03:04:05.006Z","level":"WARN","requestId":"r-1","message":"a\\nb"}',
    );
  });

  test("has no request outside of one", () => {
    expect(JSON.parse(formatLogLine("INFO", ["x"], undefined, now))).not.toHaveProperty(
      "requestId",
    );
  });

  test("joins several values", () => {
    expect(messageOf("took", 5, { ms: true })).toBe("took 5 { ms: true }");
  });

  test("has the type, message, stack and cause of an error", () => {
    const error = new TypeError("bad", { cause: new Error("worse") });
    expect(messageOf(error)).toMatchObject({
      errorType: "TypeError",
      errorMessage: "bad",
      stackTrace: expect.arrayContaining([expect.stringMatching(/^ *at /)]),
      cause: { errorType: "Error", errorMessage: "worse" },
    });
  });

  test("survives what JSON can't say", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(JSON.parse(formatLogLine("INFO", [circle], "r-1", now)).message).toMatch(/circular/i);
    expect(messageOf({ big: 1n })).toBe("{ big: 1n }");
    expect(messageOf(undefined, Symbol("s"))).toBe("undefined Symbol(s)");
  });
});
