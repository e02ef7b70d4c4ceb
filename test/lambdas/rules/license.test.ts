import { expect, test } from "vitest";
import {
  activeSymbols,
  endedCode,
  expirationIso,
  type License,
  licenseSchema,
} from "../../../lambdas/rules/license.ts";

const license: License = {
  license_id: "id",
  status: "active",
  license_type: "standard",
  max_sessions: 20,
  fencing_token: 0,
  sessions: {},
};

const sessionOf = (lapses_at: number) => ({
  device_fingerprint: "device",
  session_id: "id",
  started_at: 0,
  last_heartbeat: 0,
  lapses_at,
});

test("an active license without end is never over", () => {
  expect(endedCode(license, Number.MAX_SAFE_INTEGER)).toBeUndefined();
  expect(expirationIso(license)).toBeNull();
});

test("a license is expired at the instant of its expiration, not a millisecond before", () => {
  const expiring = { ...license, license_expiration: 5_000 };
  expect(endedCode(expiring, 4_999)).toBeUndefined();
  expect(endedCode(expiring, 5_000)).toBe("license_expired");
  expect(expirationIso(expiring)).toBe("1970-01-01T00:00:05.000Z");
});

test.for(["suspended", "cancelled"] as const)("a %s license is over, expired or not", (status) => {
  expect(endedCode({ ...license, status }, 0)).toBe(`license_${status}`);
  expect(endedCode({ ...license, status, license_expiration: 1 }, 2)).toBe(`license_${status}`);
});

test("only live sessions make a symbol active, and symbols come in order", () => {
  const sessions = {
    NQ: sessionOf(70_000),
    ES: sessionOf(60_001),
    CL: sessionOf(60_000),
    GC: { vacated_by: "device", lapses_at: 70_000 },
    A: "key",
    B: "gone",
  };
  const stored = { ...license, sessions, portfolios: { key: sessionOf(70_000) } };
  expect(activeSymbols(licenseSchema.parse(stored), 60_000)).toEqual(["A", "ES", "NQ"]);
});

test("a license with an invalid status counts as suspended", () => {
  expect(licenseSchema.parse({ ...license, status: "paused" }).status).toBe("suspended");
});

test("an item without a token yet counts from zero", () => {
  const { fencing_token, ...item } = license;
  expect(licenseSchema.parse(item).fencing_token).toBe(0);
});
