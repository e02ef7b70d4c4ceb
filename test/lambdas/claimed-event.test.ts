import { expect, test } from "vitest";
import { claimedEvent } from "../../lambdas/routes/claimed-event.ts";
import type { License } from "../../lambdas/rules/license.ts";
import { type Entry, leaseFrom, type Session } from "../../lambdas/rules/session.ts";

const license: License = {
  license_id: "id",
  status: "active",
  license_type: "standard",
  max_sessions: 20,
  fencing_token: 7,
  sessions: {},
};
const session = sessionOf("own", "own-device-0123");
const vacancy: Entry = { vacated_by: "device-a-0123456789", lapses_at: 0 };
const unreadable: Entry = { unreadable: true, lapses_at: Number.POSITIVE_INFINITY };
const granted = { code: "granted", license, session, written: true, displaced: [] } as const;
const line = { event: "session_claimed", session_id: "own", fencing_token: 7 };

function sessionOf(session_id: string, device_fingerprint: string): Session {
  return { device_fingerprint, session_id, started_at: 0, ...leaseFrom(0, 60_000) };
}

test("the line of a claim names the session and its token, and nothing that it did not take", () => {
  expect(claimedEvent(granted)).toEqual(line);
});

test("the line of a claim names the session it replaced, but no entry without holder", () => {
  const replaced = sessionOf("replaced", "own-device-0123");
  expect(claimedEvent({ ...granted, replaced })).toEqual({ ...line, replaced: "replaced" });
  expect(claimedEvent({ ...granted, replaced: vacancy })).toEqual(line);
});

test("the line of a claim names what it displaced, of each device no more than anyone may see", () => {
  const displaced = [
    ["ES", sessionOf("displaced", "laptop-b-0123456789")],
    ["NQ", vacancy],
    ["CL", unreadable],
  ] as const;
  expect(claimedEvent({ ...granted, displaced })).toEqual({
    ...line,
    displaced: [
      { symbol: "ES", device: "laptop-b..." },
      { symbol: "NQ", device: "device-a..." },
      { symbol: "CL", device: "..." },
    ],
  });
});
