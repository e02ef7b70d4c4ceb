import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { createClaimNames } from "../../clients/typescript/claim-names.ts";
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
  { server, random, wallMovesOn, opens }: Scenario,
  timeline: Timeline,
) {
  const script = server.flatMap((entry) => [entry.at].flat().map((at) => ({ ...entry, at })));
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

  const randomId = () => `random-id-${String(++ids).padStart(6, "0")}`;
  const runtime: Runtime = {
    nowMs: timeline.nowMs,
    wallMs: () => timeline.nowMs() + wallLeadMs,
    random: () => random,
    randomId,
    nextClaimName: createClaimNames(randomId),
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
      // All attempts of an opening share a name, by which one that got no usable answer is released.
      const name = { run_id: "random-id-000001", claim_number: 1 };
      const isNamed = entry.ask === "claim" || opens === undefined;
      expect(request).toMatchObject(isNamed ? name : { session_id: sessionId });
      expect(request).not.toHaveProperty(isNamed ? "session_id" : "run_id");

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
    const { fails, lasting } = entry;
    if (fails !== undefined) return { problem: fails, ...(lasting && { lasting }) };
    if (typeof entry.answer === "object") {
      const { status, body, headers } = entry.answer;
      return { status, text: JSON.stringify(body) ?? "", headers };
    }
    const responses = Object.entries(openApi.paths[paths[entry.ask]]?.post.responses ?? {});
    for (const [status, { content }] of responses) {
      const example = content["application/json"].examples[entry.answer ?? ""];
      if (!example) continue;
      const body = { held_for_seconds: 55, ...example.value, ...entry.with };
      if ("session_id" in body) sessionId = body.session_id;
      return { status: Number(status), text: JSON.stringify(body), headers: {} };
    }
    throw new Error(`openapi.json has no example of ${entry.ask} ${entry.answer}`);
  }
}
