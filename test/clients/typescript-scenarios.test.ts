import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import type { Session, SessionStatus } from "../../clients/typescript/session.ts";
import { errorInShort, statusInShort } from "./in-short.ts";
import { type Scenario, scenarioFiles } from "./scenarios.ts";
import { createScriptedRuntime } from "./scripted-runtime.ts";
import { createTimeline } from "./timeline.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

beforeEach(() => {
  vi.spyOn(Date, "now").mockImplementation(() => {
    throw new Error("The wall clock was read");
  });
});
afterEach(() => vi.restoreAllMocks());

describe("the TypeScript client", () => {
  describe.for(scenarioFiles)("$name", ({ scenarios }) => {
    test.for(scenarios)("$guarantee", play);
  });
});

async function play(scenario: Scenario): Promise<void> {
  const timeline = createTimeline(scenario.asleep);
  const { runtime, unasked } = createScriptedRuntime(scenario, timeline);
  const aborting = new AbortController();
  const statuses: (string | number)[][] = [];
  const releases: [number, string][] = [];
  const held: [number, boolean][] = [];
  const fired: number[] = [];
  let session: Session | undefined;
  let opened: number | undefined;
  let refused: { at: number; error: unknown } | undefined;
  let failure: unknown;

  const { report } = scenario;
  const options = {
    url: "unused",
    licenseKey: "KEY",
    deviceFingerprint: "device",
    signal: aborting.signal,
    onStatus: (status: SessionStatus) =>
      statuses.push([timeline.nowMs(), ...statusInShort(status)]),
    logger: quiet,
    ...(report && { report: () => report }),
    ...scenario.options,
  };
  const opening = claimAndKeep(options, runtime).then(
    (openSession) => {
      opened = timeline.nowMs();
      session = openSession;
      session.signal.addEventListener("abort", () => fired.push(timeline.nowMs()));
    },
    (error) => {
      refused = { at: timeline.nowMs(), error };
    },
  );
  opening.catch((error) => {
    failure = error;
  });

  for (const [atMs, what] of scenario.does) {
    timeline.schedule(atMs, "program", () => {
      if (what === "abort") aborting.abort();
      else session?.release().then((outcome) => releases.push([timeline.nowMs(), outcome]));
    });
  }
  for (const [atMs] of scenario.held) {
    timeline.schedule(atMs, "probe", () => held.push([atMs, session?.held ?? false]));
  }
  await timeline.run();

  expect(failure).toBeUndefined();
  expect(statuses.slice(-(scenario.lastStatuses ?? 100))).toEqual(scenario.statuses);
  expect(unasked()).toEqual([]);
  expect(opened).toBe(scenario.opens);
  expect(refused && { at: refused.at, ...errorInShort(refused.error) }).toEqual(scenario.refused);
  expect(held).toEqual(scenario.held);
  if (scenario.releases) expect(releases).toEqual(scenario.releases);
  if (!session) return;
  const end = statuses.at(-1);
  expect(fired).toEqual([end?.[0]]);
  expect(session.signal.reason).toMatchObject({ reason: end?.[2], code: end?.[3] });
  expect(session.signal.reason.activeDevice).toBe(
    scenario.endedBy ?? session.signal.reason.activeDevice,
  );
}
