import fc from "fast-check";
import type { License } from "../../lambdas/rules/license.ts";
import type { CallRecord, TimedCall } from "./recorder.ts";

/** A license, and what is done with it by several at once; each program does one call after another. */
export type Race = { before: Omit<License, "license_id">; programs: TimedCall[][] };

export type RaceKind = {
  /** A license and what its rivals do. */
  race: fc.Arbitrary<Race>;
  /** What must be so beside the invariants; in words what is not. */
  complaints(history: CallRecord[], race: Race): string[];
};

const nowMs = Date.UTC(2026, 0, 5, 12);
const timeoutMs = 60_000;
const deviceNames = [
  "alpha-0123456789",
  "bravo-0123456789",
  "charlie-01234567",
  "delta-0123456789",
];
const symbols = ["ES", "NQ", "CL", "GC"];

export const raceKinds: Record<string, RaceKind> = {
  "many devices at one instant for one symbol": {
    race: fc.integer({ min: 2, max: 4 }).map((devices) => ({
      before: license({}),
      programs: deviceNames.slice(0, devices).map((device) => [claim(device, "ES")]),
    })),
    complaints: (history) => [
      ...expectCount(history, "granted", 1),
      ...expectCount(history, "session_conflict", history.length - 1),
    ],
  },

  "many symbols for a license with few seats": {
    race: fc
      .record({
        seats: fc.integer({ min: 1, max: 3 }),
        wanted: fc.array(fc.constantFrom(...symbols), { minLength: 2, maxLength: 4 }),
      })
      .map(({ seats, wanted }) => ({
        before: license({ max_sessions: seats }),
        programs: wanted.map((symbol, index) => [claim(deviceNames[index] ?? "", symbol)]),
      })),
    complaints(history, { before, programs }) {
      const wanted = new Set(programs.flat().map((call) => "symbol" in call && call.symbol));
      return expectCount(history, "granted", Math.min(before.max_sessions, wanted.size));
    },
  },

  "a late heartbeat against new claims": {
    race: fc
      .record({ lateMs: fc.constantFrom(0, 1, 5_000), rivals: fc.integer({ min: 1, max: 2 }) })
      .map(({ lateMs, rivals }) => ({
        before: license({ sessions: { ES: session("alpha-0123456789", timeoutMs + lateMs) } }),
        programs: [
          [heartbeat("alpha-0123456789", "ES")],
          ...deviceNames.slice(1, 1 + rivals).map((device) => [claim(device, "ES")]),
        ],
      })),
    complaints: (history) => expectSuccesses(history, 1),
  },

  "a release against claims": {
    race: fc
      .record({ ageMs: fc.constantFrom(0, 59_999, 60_000), rivals: fc.integer({ min: 1, max: 3 }) })
      .map(({ ageMs, rivals }) => ({
        before: license({ sessions: { ES: session("alpha-0123456789", ageMs) } }),
        programs: [
          [
            {
              verb: "release",
              device: "alpha-0123456789",
              symbol: "ES",
              sessionId: undefined,
              nowMs,
            },
          ],
          ...deviceNames.slice(1, 1 + rivals).map((device) => [claim(device, "ES")]),
        ],
      })),
    complaints: (history) =>
      history.filter(({ ended }) => ended?.answer.body.code === "granted").length > 1
        ? ["more than one was let in"]
        : [],
  },

  "a suspension against claims": {
    race: fc
      .record({ rivals: fc.integer({ min: 1, max: 3 }), again: fc.boolean() })
      .map(({ rivals, again }) => ({
        before: license({}),
        programs: [
          again
            ? [
                { verb: "suspend", nowMs },
                { verb: "activate", nowMs },
              ]
            : [{ verb: "suspend", nowMs }],
          ...deviceNames
            .slice(0, rivals)
            .map((device) => [claim(device, "ES"), heartbeat(device, "ES")]),
        ],
      })),
    complaints: () => [],
  },

  "displacement against revival": {
    race: fc
      .record({
        ages: fc.array(fc.constantFrom(59_999, 60_000, 60_001, 90_000), {
          minLength: 1,
          maxLength: 3,
        }),
        wanted: fc.array(fc.constantFrom("CL", "GC"), { minLength: 1, maxLength: 2 }),
        revives: fc.boolean(),
      })
      .map(({ ages, wanted, revives }) => ({
        before: license({
          max_sessions: ages.length,
          sessions: Object.fromEntries(
            ages.map((ageMs, index) => [`OLD${index}`, session("alpha-0123456789", ageMs, index)]),
          ),
        }),
        programs: [
          ...ages.map((_, index) => [
            revives
              ? heartbeat("alpha-0123456789", `OLD${index}`)
              : claim("delta-0123456789", `OLD${index}`),
          ]),
          ...wanted.map((symbol, index) => [claim(deviceNames[1 + index] ?? "", symbol)]),
        ],
      })),
    complaints: () => [],
  },

  "second copies against the first and a rival": {
    race: fc
      .record({
        ageMs: fc.constantFrom(0, 59_999, 60_000),
        copies: fc.integer({ min: 1, max: 2 }),
        releases: fc.boolean(),
        timeoutMs: fc.constantFrom(undefined, 30_000),
      })
      .map(({ ageMs, copies, releases, timeoutMs: shorterMs }) => ({
        before: license({ sessions: { ES: session("alpha-0123456789", ageMs) } }),
        programs: [
          [{ ...heartbeat("alpha-0123456789", "ES"), sessionId: "held-0", timeoutMs: shorterMs }],
          ...Array.from({ length: copies }, (_, index): TimedCall[] => {
            const copy = { ...claim("alpha-0123456789", "ES"), claimId: `copy-${index}` };
            const release = {
              verb: "release" as const,
              device: "alpha-0123456789",
              symbol: "ES",
              sessionId: `copy-${index}`,
              nowMs,
            };
            return releases ? [copy, release] : [copy];
          }),
          [claim("bravo-0123456789", "ES")],
        ],
      })),
    complaints(history, { before }) {
      const held = before.sessions.ES;
      const rivals = history.filter(
        ({ call, ended }) =>
          "device" in call &&
          call.device === "bravo-0123456789" &&
          ended?.answer.body.code === "granted",
      );
      return held && nowMs < held.lapses_at && rivals.length > 0
        ? ["a rival was let in while the first may believe"]
        : [];
    },
  },

  "attempts of one opening against a rival": {
    race: fc
      .record({
        attempts: fc.integer({ min: 2, max: 3 }),
        ageMs: fc.constantFrom(0, 60_000),
        isSecondOpening: fc.boolean(),
      })
      .map(({ attempts, ageMs, isSecondOpening }) => ({
        before: license({ sessions: { ES: session("alpha-0123456789", ageMs) } }),
        programs: [
          ...Array.from({ length: attempts }, () => [
            { ...claim("alpha-0123456789", "ES"), claimId: "opening.a-process.2" },
          ]),
          ...(isSecondOpening
            ? [[{ ...claim("alpha-0123456789", "ES"), claimId: "earlier.a-process.1" }]]
            : []),
          [claim("bravo-0123456789", "ES")],
        ],
      })),
    complaints(history) {
      const tokensOf = (id: string) =>
        history
          .filter(({ ended }) => ended?.answer.body.session_id === id)
          .map(({ ended }) => Number(ended?.answer.body.fencing_token));
      const tokens = tokensOf("opening.a-process.2");
      const wasReplaced = tokensOf("earlier.a-process.1").some(
        (token) => token > Math.min(...tokens),
      );
      return [
        ...(new Set(tokens).size > 1 ? ["attempts of one opening were several claims"] : []),
        ...(wasReplaced ? ["an attempt of an earlier opening replaced a later one"] : []),
      ];
    },
  },

  "an operator ends a session and takes seats away": {
    race: fc
      .record({ ageMs: fc.constantFrom(0, 59_999, 60_000), seats: fc.integer({ min: 1, max: 2 }) })
      .map(({ ageMs, seats }) => ({
        before: license({
          max_sessions: 2,
          sessions: {
            ES: session("alpha-0123456789", ageMs),
            NQ: session("charlie-01234567", ageMs, 1),
          },
        }),
        programs: [
          [
            { verb: "end-session", sessionSymbol: "ES", nowMs },
            { verb: "set-seats", seats, nowMs },
          ],
          [heartbeat("alpha-0123456789", "ES")],
          [claim("bravo-0123456789", "ES"), claim("bravo-0123456789", "CL")],
        ],
      })),
    complaints: () => [],
  },

  "programs of several devices": {
    race: fc
      .record({
        seats: fc.integer({ min: 1, max: 2 }),
        ageMs: fc.constantFrom(0, 60_000),
        programs: fc.array(
          fc.array(
            fc.record({
              verb: fc.constantFrom("claim", "claim", "check", "heartbeat", "release"),
              symbol: fc.constantFrom("ES", "NQ"),
              laterMs: fc.constantFrom(0, 0, 1, 60_000),
            }),
            { minLength: 1, maxLength: 3 },
          ),
          { minLength: 2, maxLength: 3 },
        ),
      })
      .map(({ seats, ageMs, programs }) => ({
        before: license({
          max_sessions: seats,
          sessions: { ES: session("alpha-0123456789", ageMs) },
        }),
        programs: programs.map((steps, index) =>
          steps.map(({ verb, symbol, laterMs }): TimedCall => {
            const from = { device: deviceNames[index] ?? "", symbol, nowMs: nowMs + laterMs };
            if (verb === "claim" || verb === "check") return { verb, ...from };
            return verb === "release"
              ? { verb: "release", sessionId: undefined, ...from }
              : { verb: "heartbeat", sessionId: undefined, report: {}, ...from };
          }),
        ),
      })),
    complaints: () => [],
  },
};

function license(attributes: Partial<License>): Race["before"] {
  return {
    status: "active",
    license_type: "standard",
    max_sessions: 4,
    fencing_token: 7,
    sessions: {},
    ...attributes,
  };
}

function session(device_fingerprint: string, ageMs: number, index = 0) {
  const last_heartbeat = nowMs - ageMs;
  return {
    device_fingerprint,
    session_id: `held-${index}`,
    started_at: last_heartbeat,
    last_heartbeat,
    lapses_at: last_heartbeat + timeoutMs,
  };
}

function claim(device: string, symbol: string): TimedCall {
  return { verb: "claim", device, symbol, nowMs };
}

function heartbeat(device: string, symbol: string): TimedCall {
  return { verb: "heartbeat", device, symbol, sessionId: undefined, report: {}, nowMs };
}

function expectCount(history: CallRecord[], code: string, count: number): string[] {
  const found = history.filter(({ ended }) => ended?.answer.body.code === code).length;
  return found === count ? [] : [`${found} and not ${count} were answered ${code}`];
}

function expectSuccesses(history: CallRecord[], count: number): string[] {
  const found = history.filter(({ ended }) => ended?.answer.status === 200).length;
  return found === count ? [] : [`${found} and not ${count} were answered that they hold it`];
}
