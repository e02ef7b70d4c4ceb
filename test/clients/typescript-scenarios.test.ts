import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { askUntilAnswered } from "../../clients/typescript/check-session.ts";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import type {
  ReleaseRequest,
  Session,
  SessionStatus,
  SymbolLoss,
} from "../../clients/typescript/session.ts";
import { checkInShort, errorInShort, statusInShort } from "./in-short.ts";
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
  const holds: [number, string, boolean][] = [];
  const symbols: [number, string[]][] = [];
  const lost: [number, string, string, string][] = [];
  const asked: [number, string, number, string[]][] = [];
  const fired: number[] = [];
  let session: Session | undefined;
  let opened: number | undefined;
  let refused: { at: number; error: unknown } | undefined;
  let checked: Record<string, unknown> | undefined;
  let failure: unknown;

  const { report } = scenario;
  const options = {
    url: "unused",
    licenseKey: "KEY",
    deviceFingerprint: "device",
    signal: aborting.signal,
    onStatus: (status: SessionStatus) =>
      statuses.push([timeline.nowMs(), ...statusInShort(status)]),
    onSymbolLost: ({ symbol, code, activeDevice = "" }: SymbolLoss) =>
      lost.push([timeline.nowMs(), symbol, code, activeDevice]),
    onReleaseRequest: ({ device, secondsAgo, symbols = [] }: ReleaseRequest) =>
      asked.push([timeline.nowMs(), device, secondsAgo, [...symbols]]),
    logger: quiet,
    ...(report && { report: () => report }),
    ...scenario.options,
  };
  const opening = call().catch((error) => {
    refused = { at: timeline.nowMs(), error };
  });
  opening.catch((error) => {
    failure = error;
  });

  for (const [atMs, what, some] of scenario.does) {
    timeline.schedule(atMs, "program", () => {
      if (what === "abort") aborting.abort();
      else if (what === "keep") session?.keep();
      else session?.release(some).then((outcome) => releases.push([timeline.nowMs(), outcome]));
    });
  }
  for (const [atMs, symbol] of scenario.holds) {
    timeline.schedule(atMs, "probe", () =>
      holds.push([atMs, symbol, session?.holds(symbol) ?? false]),
    );
  }
  for (const [atMs] of scenario.symbols) {
    timeline.schedule(atMs, "probe", () => symbols.push([atMs, [...(session?.symbols ?? [])]]));
  }
  for (const [atMs] of scenario.held) {
    timeline.schedule(atMs, "probe", () => held.push([atMs, session?.held ?? false]));
  }
  await timeline.run();

  async function call(): Promise<void> {
    if (scenario.call === "check") {
      const check = await askUntilAnswered(options, runtime);
      checked = { at: timeline.nowMs(), ...checkInShort(check) };
      return;
    }
    session = await claimAndKeep(options, runtime);
    opened = timeline.nowMs();
    session.signal.addEventListener("abort", () => fired.push(timeline.nowMs()));
  }

  expect(failure).toBeUndefined();
  expect(statuses.slice(-(scenario.lastStatuses ?? 100))).toEqual(scenario.statuses);
  expect(unasked()).toEqual([]);
  expect(opened).toBe(scenario.opens);
  const refusal = refused && { at: refused.at, ...errorInShort(refused.error) };
  expect(refusal ?? {}).toMatchObject(scenario.refused ?? {});
  expect(refusal === undefined).toBe(scenario.refused === undefined);
  expect(checked ?? {}).toMatchObject(scenario.checked ?? {});
  expect(checked === undefined).toBe(scenario.checked === undefined);
  expect(held).toEqual(scenario.held);
  expect(holds).toEqual(scenario.holds);
  expect(symbols).toEqual(scenario.symbols);
  expect(lost).toEqual(scenario.lost);
  expect(asked).toEqual(scenario.asked);
  if (scenario.releases) expect(releases).toEqual(scenario.releases);
  if (!session) return;
  const end = statuses.at(-1);
  expect(fired).toEqual([end?.[0]]);
  expect(session.signal.reason).toMatchObject({ reason: end?.[2], code: end?.[3] });
  expect(session.signal.reason.activeDevice).toBe(
    scenario.endedBy ?? session.signal.reason.activeDevice,
  );
}
