import fc from "fast-check";
import type { License } from "../../lambdas/rules/license.ts";
import { isSession } from "../../lambdas/rules/session.ts";
import type { Call, Report } from "./call.ts";
import type { ServiceOptions } from "./served-license.ts";

/** When histories begin, epoch milliseconds. */
export const startMs = Date.UTC(2026, 0, 5, 12);

/** What a step may refer to: what has been granted so far, and the time. */
type Known = { item: License | undefined; nowMs: number; grantedIds: string[] };

export type Step = { inWords: string } & (
  | { does: "pass"; ms: number }
  | { does: "call"; call(known: Known): Call }
);

export type History = {
  options: ServiceOptions;
  license: Omit<License, "license_id"> | undefined;
  steps: Step[];
};

const device = fc.constantFrom("a", "device-b-0123456789", "\u{1f4c8}\u{1f4c9}-of-c");
const symbol = fc.constantFrom(undefined, "ES", "es", "NQ", "^GSPC");
const seats = fc.integer({ min: 1, max: 3 });
const boundaryMs = [0, 1, 999, 1_000, 20_000, 29_999, 30_000, 59_999, 60_000, 60_001];

/** Mostly that of the options; now and then a deploy with another one is under way. */
const timeoutMs = fc.constantFrom(undefined, undefined, undefined, undefined, 30_000, 90_000);

/**
 * Which of the ids the caller names: its session's, an earlier one's, one that never was, or that of
 * one of two openings of one process.
 */
const idChoice = fc.constantFrom(
  ...["none", "none", "none", "current", "current", "current", "earlier", "made up"],
  ...["first opening", "second opening"],
);

const report: fc.Arbitrary<Report> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.record(
    {
      bot_version: fc.string({ maxLength: 8, unit: "grapheme" }),
      status: fc.constantFrom("running", "idle", ""),
      metadata: fc.dictionary(fc.string({ maxLength: 4 }), fc.integer(), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
    },
    { requiredKeys: [] },
  ),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(
    6,
    fc.record({
      verb: fc.constantFrom("claim", "claim", "claim", "check"),
      device,
      symbol,
      timeoutMs,
      idChoice,
    }),
    ({ verb, idChoice, ...values }, known) =>
      verb === "check"
        ? { verb, ...values }
        : { verb, ...values, claimId: idFrom(idChoice, values.symbol, known) },
  ),
  weighted(
    6,
    fc.record({ verb: fc.constant("heartbeat"), device, symbol, timeoutMs, idChoice, report }),
    ({ idChoice, ...values }, known) => ({
      ...values,
      sessionId: idFrom(idChoice, values.symbol, known),
    }),
  ),
  weighted(
    2,
    fc.record({ verb: fc.constant("release"), device, symbol, idChoice }),
    ({ idChoice, ...values }, known) => ({
      ...values,
      sessionId: idFrom(idChoice, values.symbol, known),
    }),
  ),
  weighted(1, fc.record({ verb: fc.constantFrom("suspend", "activate", "activate") }), (v) => v),
  weighted(
    1,
    fc.record({ verb: fc.constant("extend"), inMs: fc.integer({ min: -1_000, max: 400_000 }) }),
    ({ verb, inMs }, { nowMs }) => ({ verb, expiresAtMs: nowMs + inMs }),
  ),
  weighted(1, fc.record({ verb: fc.constant("set-seats"), seats }), (values) => values),
  weighted(
    1,
    fc.record({
      verb: fc.constant("end-session"),
      sessionSymbol: fc.constantFrom("*", "ES", "NQ", "^GSPC"),
    }),
    (values) => values,
  ),
  {
    weight: 18,
    arbitrary: fc
      .oneof(fc.constantFrom(...boundaryMs), fc.integer({ min: 1, max: 90_000 }))
      .map((ms) => ({ does: "pass" as const, ms, inWords: `wait ${ms} ms` })),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: -60_000, max: 5_000 })
      .map((ms) => ({ does: "pass" as const, ms, inWords: `the clock jumps by ${ms} ms` })),
  },
);

/** Histories of exactly so many steps, each with a license and settings of its own. */
export function arbitrarySteps(steps: number): fc.Arbitrary<History> {
  const license = fc
    .record({
      seats,
      expiresInMs: fc.option(fc.integer({ min: 0, max: 900_000 }), { nil: undefined }),
      email: fc.option(fc.constant("ada@example.com"), { nil: undefined }),
      status: fc.constantFrom("active", "active", "active", "active", "cancelled", "suspended"),
    })
    .map(({ seats, expiresInMs, email, status }) => ({
      status,
      license_type: "standard",
      ...(email !== undefined && { email }),
      created_at: startMs,
      ...(expiresInMs !== undefined && { license_expiration: startMs + expiresInMs }),
      max_sessions: seats,
      fencing_token: 0,
      sessions: {},
    }));
  return fc.record({
    options: fc.record({
      sessionTimeoutMs: fc.constantFrom(60_000, 60_000, 60_000, 1_000),
      multiSymbolSessions: fc.constantFrom(true, true, true, false),
    }),
    license: fc.option(license, { freq: 40, nil: undefined }),
    steps: fc.array(step, { minLength: steps, maxLength: steps }),
  });
}

function weighted<Values extends object>(
  weight: number,
  values: fc.Arbitrary<Values>,
  call: (values: Values, known: Known) => Call,
): fc.WeightedArbitrary<Step> {
  return {
    weight,
    arbitrary: values.map((chosen) => ({
      does: "call" as const,
      call: (known: Known) => call(chosen, known),
      inWords: JSON.stringify(chosen),
    })),
  };
}

function idFrom(
  choice: string,
  symbol: string | undefined,
  { item, grantedIds }: Known,
): string | undefined {
  if (choice === "none") return undefined;
  if (choice === "made up") return "an-id-that-never-was";
  if (choice === "first opening") return "first.a-process.1";
  if (choice === "second opening") return "second.a-process.2";
  const idOf = (name: string) => {
    const entry = item?.sessions[name];
    return entry && isSession(entry) ? entry.session_id : undefined;
  };
  const current = idOf(symbol?.toUpperCase() ?? "*") ?? idOf("*");
  return choice === "current" ? current : grantedIds.at(-2);
}
