import type { Overlap } from "./held-times.ts";

/** The findings of a fleet run. */
export type Findings = {
  overlaps: readonly Overlap[];
  /** How often a device held a session. */
  intervals: number;
  /** How often each code was answered; `no_answer` counts requests that got none. */
  counts: ReadonlyMap<string, number>;
  /** Time from the start until the run was stopped, if it was stopped early. */
  stoppedAfterMs?: number | undefined;
};

/** `none`: the run has too few findings for a verdict. */
export type Verdict = { code: "good" | "bad" } | { code: "none"; because: string };

export function judge({ overlaps, intervals, counts, stoppedAfterMs }: Findings): Verdict {
  if (overlaps.length > 0) return { code: "bad" };
  if (stoppedAfterMs !== undefined) {
    const ranForSeconds = Math.floor(stoppedAfterMs / 1000);
    return { code: "none", because: `the run was stopped after ${ranForSeconds} s` };
  }
  if (intervals > 0) return { code: "good" };
  const isSilent = [...counts.keys()].every((code) => code === "no_answer");
  return { code: "none", because: isSilent ? "nothing answered" : "no device was ever let in" };
}

/** The findings and the verdict for people. */
export function verdictText(findings: Findings): string {
  const { overlaps, intervals, counts } = findings;
  return [
    ...[...counts].sort(([, a], [, b]) => b - a).map(([code, times]) => `${times}  ${code}`),
    ...overlaps.map(
      ({ license, devices, fromMs, toMs }) =>
        `license ${license}: ${devices.join(" and ")}, for ${Math.round(toMs - fromMs)} ms`,
    ),
    `${intervals} times a device held a session; ${overlaps.length} times two held one at once.`,
    `Verdict: ${verdictInWords(judge(findings))}`,
  ].join("\n");
}

function verdictInWords(verdict: Verdict): string {
  switch (verdict.code) {
    case "good":
      return "good";
    case "bad":
      return "BAD";
    case "none":
      return `none, because ${verdict.because}`;
  }
}
