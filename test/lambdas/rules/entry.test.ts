import { expect, test } from "vitest";
import {
  entrySchema,
  freeAtMs,
  type ResolvedEntry,
  secondsUntilFree,
} from "../../../lambdas/rules/entry.ts";
import { deviceHash, maskFingerprint, printable } from "../../../lambdas/rules/shown-device.ts";

const beatAtMs = 1_000_000;
const stored = {
  device_fingerprint: "device",
  session_id: "id",
  started_at: beatAtMs,
  last_heartbeat: beatAtMs,
  lease_ms: 60_000,
  lapses_at: beatAtMs + 60_000,
};
const read = (entry: unknown) => entrySchema.parse(entry) as ResolvedEntry;

test.for([
  ["a session when it lapses", stored, beatAtMs + 60_000],
  ["a contested one once nobody can believe", { ...stored, contested_until: 5e6 }, 5e6],
  [
    "one whose contest is over when it lapses",
    { ...stored, contested_until: 1 },
    beatAtMs + 60_000,
  ],
  ["a vacancy when it lapses", { vacated_by: "device", lapses_at: 7 }, 7],
  ["what no version wrote never", { lapses_at: "late" }, Number.POSITIVE_INFINITY],
] as const)("%s is free for other devices", ([, entry, freeMs]) => {
  expect(freeAtMs(read(entry))).toBe(freeMs);
});

test.for([
  [0, 60],
  [1, 60],
  [1_000, 59],
  [59_001, 1],
  [60_000, 0],
  [99_999, 0],
] as const)(
  "%i ms after the heartbeat the wait is %i s: rounded up, never negative",
  ([sinceMs, seconds]) => {
    expect(secondsUntilFree(read(stored), beatAtMs + sinceMs)).toBe(seconds);
  },
);

test.for([
  ["x", "..."],
  ["ab", "a..."],
  ["abcde", "ab..."],
  ["0123456789abcdef", "01234567..."],
  ["😀😀", "😀..."],
  ["\u001b[2J\u009b31m and more", "?[2J?31m..."],
  ["\u202eabc\u2066d\u2028e\u0000f and more", "?abc?d?e..."],
] as const)(
  "%j is shown as %s: 8 characters, half of it, and nothing that steers a terminal",
  ([fingerprint, shown]) => {
    expect(maskFingerprint(fingerprint)).toBe(shown);
  },
);

test("devices that begin alike are told apart, and one of them under two licenses is not linked", () => {
  const hashes = [
    deviceHash("license", "desktop-1"),
    deviceHash("license", "desktop-2"),
    deviceHash("another", "desktop-1"),
  ];
  expect(new Set(hashes).size).toBe(3);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{10}$/);
  expect(printable("plain ASCII, Ünïcode, 币")).toBe("plain ASCII, Ünïcode, 币");
});
