import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { createClaimIds } from "../../clients/typescript/claim-ids.ts";
import { type Exchange, noAnswerInTime, type Runtime } from "../../clients/typescript/runtime.ts";
import type { Scenario } from "./scenarios.ts";
import type { Timeline } from "./timeline.ts";

const paths = {
  claim: "/api/validate-license",
  heartbeat: "/api/heartbeat",
  release: "/api/session/release",
};

const examplesSchema = z.object({
  paths: z.record(
    z.string(),
    z.object({
      post: z.object({
        responses: z.record(
          z.string(),
          z.object({
            content: z.object({
              "application/json": z.object({
                examples: z
                  .record(z.string(), z.object({ value: z.record(z.string(), z.unknown()) }))
                  .default({}),
              }),
            }),
          }),
        ),
      }),
    }),
  ),
});

const openApi = examplesSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, "../../openapi.json"), "utf8")),
);

/** The world of a scenario: its time, and a service that answers as written. */
export function createScriptedRuntime(
  { server, random, wallMovesOn }: Scenario,
  timeline: Timeline,
) {
  const script = server.flatMap((entry) => [entry.at].flat().map((at) => ({ ...entry, at })));
  let claimId: unknown;
  let isRefused = false;
  let sessionId: unknown;
  let ids = 0;
  let wallLeadMs = 1_700_000_000_000;
  const pauses = new Set<() => void>();
  for (const [atMs, byMs] of wallMovesOn) {
    timeline.schedule(atMs, "program", () => {
      wallLeadMs += byMs;
      for (const endPause of pauses) endPause();
    });
  }

  const randomId = () => `id-${++ids}`;
  const runtime: Runtime = {
    nowMs: timeline.nowMs,
    wallMs: () => timeline.nowMs() + wallLeadMs,
    random: () => random,
    randomId,
    nextClaimId: createClaimIds(randomId),
    pause(untilMs, signal) {
      return new Promise((resolve) => {
        if (signal.aborted || untilMs <= timeline.nowMs()) return resolve();
        const cancel = timeline.schedule(untilMs, "timer", finish);
        pauses.add(finish);
        signal.addEventListener("abort", finish);

        function finish() {
          cancel();
          pauses.delete(finish);
          signal.removeEventListener("abort", finish);
          resolve();
        }
      });
    },
    exchange(path, text, untilMs, signal) {
      const request = JSON.parse(text);
      const entry = script.shift();
      if (!entry) throw new Error(`${path} was asked at ${timeline.nowMs()}, which nobody expects`);
      expect({ at: timeline.nowMs(), path: `/${path}` }).toEqual({
        at: entry.at,
        path: paths[entry.ask],
      });
      expect(request).toMatchObject(entry.sends);
      for (const field of entry.lacks) expect(request).not.toHaveProperty(field);
      if (entry.ask !== "claim") expect(request.session_id).toBe(sessionId ?? claimId);
      else {
        if (isRefused) expect(request.claim_id, "after a refusal").not.toBe(claimId);
        claimId = isRefused ? request.claim_id : (claimId ?? request.claim_id);
        isRefused = entry.answer === "session_conflict" || entry.answer === "session_limit";
        expect(request.claim_id).toMatch(/^id-\d+\.id-\d+\.\d+$/);
        expect(request.claim_id, "of every attempt").toBe(claimId);
      }

      const result = resultOf(entry);
      return new Promise((resolve) => {
        const cancels = [
          timeline.schedule(untilMs, "timer", () => settle({ problem: noAnswerInTime })),
        ];
        if (result) {
          const answeredMs = timeline.nowMs() + entry.after;
          cancels.push(timeline.schedule(answeredMs, "answer", () => settle(result)));
        }
        const stop = () => settle({ problem: "cancelled" });
        signal.addEventListener("abort", stop);

        function settle(exchange: Exchange) {
          for (const cancel of cancels) cancel();
          signal.removeEventListener("abort", stop);
          resolve(exchange);
        }
      });
    },
  };
  return { runtime, unasked: () => script };

  function resultOf(entry: (typeof script)[number]): Exchange | undefined {
    if (entry.drop) return undefined;
    if (entry.fails !== undefined) {
      return { problem: entry.fails, ...(entry.unsent && { unsent: true }) };
    }
    if (typeof entry.answer === "object") {
      const { status, body, headers } = entry.answer;
      return { status, text: JSON.stringify(body) ?? "", headers };
    }
    const responses = Object.entries(openApi.paths[paths[entry.ask]]?.post.responses ?? {});
    for (const [status, { content }] of responses) {
      const example = content["application/json"].examples[entry.answer ?? ""];
      if (!example) continue;
      const isGranted = entry.answer === "granted";
      const body = {
        ...example.value,
        ...(isGranted && { session_id: claimId }),
        ...entry.with,
      };
      if (isGranted) sessionId = body.session_id;
      return { status: Number(status), text: JSON.stringify(body), headers: {} };
    }
    throw new Error(`openapi.json has no example of ${entry.ask} ${entry.answer}`);
  }
}
