import { Writable } from "node:stream";
import { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { jsonResponse } from "../../../local/gateway/http-response.ts";
import { requestLine } from "../../../local/gateway/request-line.ts";

const key = "SECRET-KEY-0001";
const license = licenseIdOf(key).slice(0, 8);
const request = {
  method: "POST",
  path: "/api/heartbeat",
  query: "key=in-the-query",
  headers: {},
  body: Buffer.from(JSON.stringify({ license_key: ` ${key} `, device_fingerprint: "laptop" })),
  sourceIp: "127.0.0.1",
  requestId: "r",
  receivedAtMs: new Date(2026, 10, 26, 21, 4, 11).getTime(),
};
const recorded = jsonResponse(200, { code: "recorded", message: "For people." });

const pipe = streamThat({ isTTY: false });
const terminal = streamThat({ isTTY: true });

/** As much of a stream as is looked at. */
function streamThat(has: { isTTY: boolean }): WriteStream {
  const { getColorDepth } = WriteStream.prototype;
  return Object.assign(new Writable(), has, { getColorDepth }) as unknown as WriteStream;
}

function lineOf(stream: WriteStream, changes: Partial<typeof request> = {}, response = recorded) {
  return requestLine({ request: { ...request, ...changes }, response, durationMs: 3.14 }, stream);
}

// What the tests are run with has no say in it.
beforeEach(() => {
  const variables = {
    TERM: "xterm-256color",
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
    CI: undefined,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return () => vi.unstubAllEnvs();
});

describe("on a terminal, the line about a request", () => {
  test("has time, method and path, status, code, license and duration", () => {
    expect(lineOf(terminal).split(/ {2,}/)).toEqual([
      "21:04:11",
      "POST /api/heartbeat",
      "200 recorded",
      license,
      "3 ms",
    ]);
  });

  test("has colours unless NO_COLOR, and the same text", () => {
    const plain = lineOf(terminal);
    vi.stubEnv("NO_COLOR", undefined);
    expect(lineOf(terminal)).not.toBe(plain);
    expect(stripVTControlCharacters(lineOf(terminal))).toBe(plain);
  });

  test("says which routes there are, if it was none of them", () => {
    const response = jsonResponse(404, { message: "Not Found", hint: "The routes are POST /a." });
    expect(lineOf(terminal, {}, response)).toContain("404 Not Found. The routes are POST /a.");
  });

  test("can't steer the terminal", () => {
    const line = lineOf(terminal, {
      method: "\u001b[2J",
      path: `/\u009b2J${"x".repeat(9_999)}`,
    });
    expect(line).toMatch(/^[\x20-\x7e]{1,300}$/);
  });
});

test("in a pipe, the line about a request is JSON", () => {
  expect(JSON.parse(lineOf(pipe))).toEqual({
    timestamp: new Date(request.receivedAtMs).toISOString(),
    level: "INFO",
    message: "request",
    method: "POST",
    path: "/api/heartbeat",
    status: 200,
    code: "recorded",
    license,
    duration_ms: 3.1,
  });
});

test.each([
  ["pipe", pipe],
  ["terminal", terminal],
] as const)("no line has a key in it, and any body is borne: %s", (_where, style) => {
  expect(lineOf(style)).not.toContain(key);
  expect(lineOf(style)).not.toContain("in-the-query");
  for (const body of ["", "{", "null", "[]", '{"license_key":5}', `"${key}"`]) {
    const line = lineOf(style, { body: Buffer.from(body) }, { ...recorded, body });
    expect(line).not.toContain(key);
    expect(line).not.toContain(license);
  }
});
