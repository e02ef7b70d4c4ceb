import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  readClaimAnswer,
  readHeartbeatAnswer,
  readReleaseAnswer,
} from "../../clients/typescript/answers.ts";
import type { License } from "../../clients/typescript/session.ts";

/** What an answer means; both clients read each of them so. */
const casesSchema = z.array(
  z.strictObject({
    guarantee: z.string(),
    ask: z.enum(["claim", "heartbeat", "release"]),
    status: z.int(),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.record(z.string(), z.unknown()).optional(),
    text: z.string().optional(),
    /** `is` and what else it says; `null` is what is not known. */
    means: z.looseObject({ is: z.string().nullable() }),
  }),
);

const file = join(import.meta.dirname, "../../clients/vectors/answers.json");
const cases = casesSchema.parse(JSON.parse(readFileSync(file, "utf8")));

describe("the TypeScript client reads", () => {
  test.for(cases)("$ask, $status: $guarantee", ({ ask, status, headers, body, text, means }) => {
    const answer = { status, headers, text: text ?? JSON.stringify(body) };
    expect(meaningOf(ask, answer)).toEqual(means);
  });

  test.each([readClaimAnswer, readHeartbeatAnswer])("no answer as trouble (%o)", (read) => {
    const cause = new Error("refused");
    expect(read({ problem: "ECONNREFUSED", cause })).toEqual({
      kind: "trouble",
      problem: "ECONNREFUSED",
      cause,
    });
    expect(readReleaseAnswer({ problem: "ECONNREFUSED" })).toBeUndefined();
  });
});

function meaningOf(
  ask: "claim" | "heartbeat" | "release",
  answer: { status: number; headers: Record<string, string>; text: string },
): Record<string, unknown> {
  if (ask === "release") return { is: readReleaseAnswer(answer) ?? null };
  const read = ask === "claim" ? readClaimAnswer(answer) : readHeartbeatAnswer(answer);
  switch (read.kind) {
    case "granted":
    case "recorded": {
      const { kind, license, ...facts } = read;
      return { is: kind, ...withNulls(facts), license: licenseOf(license) };
    }
    case "available":
      return { is: read.kind, license: licenseOf(read.license) };
    case "part_lost": {
      const { kind, held, lost, lease, releaseRequest } = read;
      return {
        is: kind,
        held,
        lost,
        lease: lease ?? null,
        ...(releaseRequest && { releaseRequest }),
      };
    }
    case "refused": {
      const { name, code, message, status, requestId, ...facts } = read.error;
      // What only newer refusals say is left out where it is not known.
      const known = ["activeDevice", "waitSeconds", "field"];
      const more = Object.fromEntries(
        Object.entries(facts)
          .filter(([fact, value]) => known.includes(fact) || value !== undefined)
          .map(([fact, value]) => [
            fact,
            typeof value === "object" ? JSON.parse(JSON.stringify(value)) : value,
          ]),
      );
      return {
        is: name,
        code,
        // It names the option by which each language takes the URL.
        ...(name !== "ServiceNotFound" && { message }),
        ...withNulls({ ...more, status, requestId }),
      };
    }
    case "ended": {
      const { reason, code, activeDevice = null } = { activeDevice: undefined, ...read.end };
      return { is: read.kind, reason, code, activeDevice };
    }
    case "unreadable":
      return { is: read.kind, problem: read.problem };
    case "trouble": {
      const { kind, ...facts } = read;
      return { is: kind, ...withNulls(facts) };
    }
  }
}

function licenseOf({ type, expiresAt, activeSymbols }: Partial<License>) {
  return { type: type ?? null, expiresAt: expiresAt?.toISOString() ?? null, activeSymbols };
}

function withNulls(facts: object): Record<string, unknown> {
  const names = Object.entries(facts).filter(([name]) => name !== "stack" && name !== "cause");
  return Object.fromEntries(names.map(([name, value]) => [name, value ?? null]));
}
