import { describe, expect, test } from "vitest";
import { holdsOf } from "../../../ops/data/holds.ts";
import { type LicenseItem, licenseItemSchema } from "../../../ops/data/license-item.ts";
import { sharingOf } from "../../../ops/data/sharing.ts";
import { claimed, linesFrom, minuteMs, released } from "./lines.ts";

const noonMs = Date.UTC(2026, 9, 13, 12);
const license_id = "a".repeat(64);

const linesOf = linesFrom(noonMs, minuteMs, license_id);

const desk = { device: "DESKTOP-...", device_hash: "1111111111" };
const twin = { device: "DESKTOP-...", device_hash: "2222222222" };

function holds(
  lines: ReturnType<typeof linesOf>,
  { now = 600, since = 0, license }: { now?: number; since?: number; license?: LicenseItem } = {},
) {
  const period = { sinceMs: noonMs + since * minuteMs, nowMs: noonMs + now * minuteMs };
  return holdsOf(lines, license ? [license] : [], period).map((hold) => ({
    who: hold.device_hash,
    from: (hold.from - noonMs) / minuteMs,
    until: (hold.until - noonMs) / minuteMs,
    end: hold.end,
    known: hold.from_known,
  }));
}

function licenseWith(session: object): LicenseItem {
  return licenseItemSchema.parse({
    license_id,
    status: "active",
    max_sessions: 1,
    sessions: { ES: { device_fingerprint: "DESKTOP-of-ada", lapses_at: 0, ...session } },
  });
}

describe("who held a symbol", () => {
  test("a crashed bot that nobody has followed held it to the heartbeat that its license has", () => {
    const license = licenseWith({
      session_id: "1",
      started_at: noonMs,
      last_heartbeat: noonMs + 20 * minuteMs,
    });
    expect(holds(linesOf([0, claimed(desk, "1")]), { license })).toEqual([
      { who: desk.device_hash, from: 0, until: 20, end: "lapsed", known: true },
    ]);
  });

  test("one that was displaced had lapsed before", () => {
    const displaced = [
      { symbol: "NQ", ...desk, last_heartbeat: noonMs + 9 * minuteMs, state: "lapsed" },
    ];
    const lines = linesOf(
      [0, { ...claimed(desk, "1"), symbol: "NQ" }],
      [90, claimed(twin, "2", { displaced })],
    );
    expect(holds(lines)[0]).toMatchObject({ until: 9, end: "lapsed" });
  });

  test("one whose end no line tells is known as far as a sign of it goes", () => {
    const active = { event: "session_active", session_id: "1", ...desk };
    const lines = linesOf([0, claimed(desk, "1")], [100, active], [400, claimed(twin, "2")]);
    expect(holds(lines)[0]).toMatchObject({ from: 0, until: 100, end: "unknown" });
  });

  test("a live session that was claimed before the window is there, by what the license holds", () => {
    const license = licenseWith({
      session_id: "1",
      started_at: noonMs - 5_000 * minuteMs,
      last_heartbeat: noonMs + 599 * minuteMs,
      lapses_at: noonMs + 600 * minuteMs + 1,
    });
    expect(holds([], { license })).toMatchObject([
      { from: 0, until: 600, end: "held", known: false },
    ]);
  });

  test("one that was claimed before every line is there, by the claim that found it", () => {
    const found = { ...desk, last_heartbeat: noonMs + 5 * minuteMs, state: "lapsed" };
    const lines = linesOf([60, claimed(twin, "2", { replaced: [{ symbol: "ES", ...found }] })]);
    expect(holds(lines)[0]).toMatchObject({ who: desk.device_hash, from: 0, until: 5 });
  });

  test("one that a new start on the same device replaced while it was live ends there", () => {
    const live = { symbol: "ES", ...desk, last_heartbeat: noonMs + 29 * minuteMs, state: "live" };
    const lines = linesOf(
      [0, claimed(desk, "1")],
      [30, claimed(desk, "2", { replaced: [live] })],
      [31, claimed(desk, "3", { replaced: "2" })],
    );
    expect(holds(lines).map(({ until, end }) => [until, end])).toEqual([
      [30, "replaced"],
      [31, "replaced"],
      [31, "unknown"],
    ]);
  });

  test("what a claim found for one symbol says nothing of another", () => {
    const found = { symbol: "NQ", ...desk, last_heartbeat: noonMs + 5 * minuteMs, state: "lapsed" };
    const lines = linesOf(
      [0, { ...claimed(desk, "1"), symbol: undefined, symbols: ["ES", "NQ"] }],
      [9, { ...released(desk, "1"), symbol: undefined, symbols: ["ES"] }],
      [
        60,
        { ...claimed(twin, "2", { replaced: [found] }), symbol: undefined, symbols: ["ES", "NQ"] },
      ],
    );
    const ended = holds(lines).filter(({ who }) => who === desk.device_hash);
    expect(ended.map(({ until, end }) => [until, end])).toEqual([
      [9, "released"],
      [5, "lapsed"],
    ]);
  });

  test("asking the holder holds nothing, and the answer that it keeps it changes nothing", () => {
    const asked = { event: "holder_asked", ...twin, holders: [{ symbol: "ES", ...desk }] };
    const kept = { event: "session_kept", session_id: "1", ...desk, asked_by: twin.device };
    const lines = linesOf([0, claimed(desk, "1")], [1, asked], [2, kept], [3, released(desk, "1")]);
    expect(holds(lines)).toHaveLength(1);
    const { devices } = sharingOf(lines, holdsOf(lines, [], { sinceMs: noonMs, nowMs: noonMs }));
    expect(devices.map(({ takeovers }) => takeovers)).toEqual([0, 0]);
  });

  test("an operator's end ends it, and it is there once although the item of an earlier key still has it", () => {
    const change = { event: "license_changed", verb: "end-session", by: "ada", changes: [] };
    const lines = linesOf([0, claimed(desk, "1")], [7, { ...change, sessions_ended: ["ES"] }]);
    const license = licenseWith({
      session_id: "1",
      started_at: noonMs,
      last_heartbeat: noonMs + 6 * minuteMs,
    });
    expect(holds(lines, { license })).toEqual([
      { who: desk.device_hash, from: 0, until: 7, end: "ended", known: true },
    ]);
  });
});

describe("whether a key is shared", () => {
  const conflict = { code: "session_conflict" };
  const judged = (lines: ReturnType<typeof linesOf>) =>
    sharingOf(lines, holdsOf(lines, [], { sinceMs: noonMs, nowMs: noonMs + 600 * minuteMs }));

  test("devices that are named alike are told apart by their hashes", () => {
    const hashes = ["1", "2", "3", "4"].map((digit) => digit.repeat(10));
    const lines = hashes.flatMap((device_hash, at) => {
      const who = { device: "DESKTOP-...", device_hash };
      return linesOf(
        [at * 20, claimed(who, device_hash)],
        [at * 20 + 10, released(who, device_hash)],
      );
    });
    const { devices, conclusion } = judged(lines);
    expect(devices).toHaveLength(4);
    expect(conclusion).toContain("4 devices held it, and took it over from each other 3 times.");
  });

  test("a session of several symbols is taken over once", () => {
    const several = { symbol: undefined, symbols: ["ES", "NQ", "CL"] };
    const lines = linesOf(
      [0, { ...claimed(desk, "1"), ...several }],
      [9, { ...released(desk, "1"), ...several }],
      [10, { ...claimed(twin, "2"), ...several }],
    );
    const { devices } = judged(lines);
    expect(devices.map(({ takeovers }) => takeovers).sort()).toEqual([0, 1]);
  });

  test("a refusal while another device held it is an overlap, one of the holder's own is none", () => {
    const lines = linesOf(
      [0, claimed(desk, "1")],
      [5, { ...conflict, ...twin }],
      [6, { ...conflict, ...desk }],
      [10, released(desk, "1")],
      [20, { ...conflict, ...twin }],
    );
    const { devices, conclusion } = judged(lines);
    expect(devices.map(({ overlaps }) => overlaps)).toEqual([0, 1]);
    expect(conclusion).toContain("refused while another held it once");
  });

  test("who held it and who was only refused or not answered are counted apart", () => {
    const third = { ...twin, device_hash: "3333333333" };
    const held = linesOf([0, claimed(desk, "1")], [10, released(desk, "1")]);
    const refusals = linesOf([5, { ...conflict, ...twin }], [20, { ...conflict, ...third }]);
    expect(judged(refusals).conclusion).toBe("No device held it; 2 were only refused.");
    expect(judged([...held, ...refusals]).conclusion).toMatch(
      /^One device held it; 2 were only refused\. One was refused while another held it once:/,
    );
    const failure = linesOf([5, { code: "internal_error", ...twin }]);
    expect(judged([...held, ...failure]).conclusion).toBe(
      "One device held it; one was only refused or not answered. None was refused while another held it.",
    );
    expect(judged(held).conclusion).toBe("One device held it.");
  });

  test("a device that has asked the holder waits for it: only what it met unasked is an overlap", () => {
    const asked = (session_id: string) => ({
      event: "holder_asked",
      ...twin,
      holders: [{ symbol: "ES", ...desk, session_id }],
    });
    const lines = linesOf(
      [0, claimed(desk, "1")],
      [5, asked("1")],
      [5, { ...conflict, ...twin }],
      [6, { ...conflict, ...twin }],
      [10, released(desk, "1")],
      [11, claimed(twin, "2")],
    );
    const { devices, conclusion } = judged(lines);
    expect(devices.map(({ overlaps }) => overlaps)).toEqual([0, 0]);
    expect(conclusion).toBe(
      "2 devices held it, and took it over from each other once. Whoever was refused while another held it had asked that one to release it: a move to another machine looks like this.",
    );
    const others = linesOf(
      [12, released(twin, "2")],
      [13, claimed(desk, "3")],
      [14, { ...conflict, ...twin }],
      [15, released(desk, "3")],
    );
    expect(judged([...lines, ...others]).conclusion).toContain("while another held it once:");
  });

  test("a request that the service could not answer is no refusal", () => {
    const lines = linesOf([0, claimed(desk, "1")], [1, { code: "internal_error", ...desk }]);
    expect(judged(lines).devices).toMatchObject([{ refusals: {}, failures: 1 }]);
  });

  test("lines of before there were hashes are read, and what they can't show is said", () => {
    const { devices, caveats } = judged(linesOf([0, claimed({ device: "DESKTOP-..." }, "1")]));
    expect(devices).toMatchObject([{ device: "DESKTOP-...", device_hash: null, claims: 1 }]);
    expect(caveats.join(" ")).toContain("begin alike count as one");
  });
});
