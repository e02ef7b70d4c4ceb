import { expect, test } from "vitest";
import { type Findings, judge, verdictText } from "../../fleet/verdict.ts";

const overlap = { license: 3, devices: ["a", "b"] as [string, string], fromMs: 1_000, toMs: 1_250 };
const undisturbed: Findings = {
  overlaps: [],
  intervals: 4,
  counts: new Map([
    ["granted", 4],
    ["recorded", 90],
  ]),
};

test("a fleet whose devices held sessions, and never two at once, is good", () => {
  expect(judge(undisturbed)).toEqual({ code: "good" });
  expect(verdictText(undisturbed).split("\n")).toEqual([
    "90  recorded",
    "4  granted",
    "4 times a device held a session; 0 times two held one at once.",
    "Verdict: good",
  ]);
});

test("two devices at once are bad, also in a run that was stopped", () => {
  for (const stoppedAfterMs of [undefined, 12_000]) {
    const findings = { ...undisturbed, overlaps: [overlap], stoppedAfterMs };
    expect(judge(findings)).toEqual({ code: "bad" });
    expect(verdictText(findings)).toContain("license 3: a and b, for 250 ms\n");
    expect(verdictText(findings)).toMatch(/Verdict: BAD$/);
  }
});

test.for<[string, string, Partial<Findings>]>([
  ["was stopped", "the run was stopped after 12 s", { stoppedAfterMs: 12_900 }],
  ["let nobody in", "no device was ever let in", { intervals: 0 }],
  [
    "asked a service that died",
    "nothing answered",
    { intervals: 0, counts: new Map([["no_answer", 40]]) },
  ],
])("a fleet that %s has no verdict", ([, because, change]) => {
  const findings = { ...undisturbed, ...change };
  expect(judge(findings)).toEqual({ code: "none", because });
  expect(verdictText(findings)).toMatch(new RegExp(`Verdict: none, because ${because}$`));
});
