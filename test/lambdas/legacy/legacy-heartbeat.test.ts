import { expect, test, vi } from "vitest";
import { answerLegacyHeartbeat } from "../../../lambdas/legacy/legacy-heartbeat.ts";
import {
  another,
  nowMs,
  openLicense,
  own,
  ownBeat,
  sessionOf,
  vacancyOf,
} from "../rules/one-license.ts";

const beat = { ...ownBeat, sessionId: undefined };

async function answerTo({ database }: ReturnType<typeof openLicense>) {
  const context = {
    nowMs,
    uncertainMs: 0,
    signal: new AbortController().signal,
    jsonTexts: {},
    record: vi.fn(),
  };
  const { statusCode, body } = await answerLegacyHeartbeat(database, beat, context, ({ code }) => {
    // The route's own words are no part of this.
    const [status, of] = code === "recorded" ? [200, code] : [500, "session_taken"];
    return { statusCode: status, body: { code: of } } as never;
  });
  return [statusCode, body.code];
}

const ended = vacancyOf(own, nowMs, { ended_at: nowMs - 60_000 });

test.for<[string, Parameters<typeof openLicense>, (number | string)[]]>([
  [
    "takes nothing that an operator ends, and frees, after it was refused",
    [{}, { 2: (item) => Object.assign(item.sessions, { ES: ended }) }],
    [403, "session_ended"],
  ],
  [
    "takes nothing that a rival claims after it was refused",
    [{}, { 2: (item) => Object.assign(item.sessions, { ES: sessionOf(another, 0) }) }],
    [403, "session_taken"],
  ],
  [
    "goes on where what a rival claims is left at once",
    [
      {},
      {
        2: ({ sessions }) => Object.assign(sessions, { ES: sessionOf(another, 0, { left: true }) }),
      },
    ],
    [500, "session_left"],
  ],
  [
    "is refused while the right of what an operator ended of another device lasts",
    [{ sessions: { ES: vacancyOf(another, nowMs + 1, { ended_at: nowMs - 1 }) } }],
    [403, "session_taken"],
  ],
  [
    "takes that once it is free",
    [{ sessions: { ES: vacancyOf(another, nowMs, { ended_at: nowMs - 1 }) } }],
    [200, "recorded"],
  ],
  [
    "takes over the vacancy that a release of its own device has left",
    [{ sessions: { ES: vacancyOf(own, nowMs + 10_000) } }],
    [200, "recorded"],
  ],
])("a heartbeat of a legacy bot %s", async ([, license, answer]) => {
  expect(await answerTo(openLicense(...license))).toEqual(answer);
});
