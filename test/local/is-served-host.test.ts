import { expect, test } from "vitest";
import { isServedHost } from "../../local/is-served-host.ts";

test.each([
  "localhost",
  "LocalHost:3000",
  "127.0.0.1",
  "127.0.0.1:3000",
  "[::1]",
  "[::1]:3000",
  "192.168.1.20:3000",
  "[fe80::1]:3000",
])("a request for %s is served", (host) => {
  expect(isServedHost(host, "127.0.0.1")).toBe(true);
});

test.each([
  undefined,
  "",
  "evil.example",
  "evil.example:3000",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "127.0.0.1@evil.example",
  "[evil.example]",
  "evil.example:3000:127.0.0.1",
  "::1",
])("a request for %s is refused", (host) => {
  expect(isServedHost(host, "127.0.0.1")).toBe(false);
});

test("a request for the name in HOST is served, for another one it is refused", () => {
  expect(isServedHost("desk.local:3000", "Desk.local")).toBe(true);
  expect(isServedHost("other.local:3000", "Desk.local")).toBe(false);
  expect(isServedHost("desk.local:3000", "0.0.0.0")).toBe(false);
});
