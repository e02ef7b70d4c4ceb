import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Case } from "./case.ts";
import type { Finding } from "./findings.ts";
import { judge } from "./judge.ts";
import { hasSignals } from "./program.ts";
import type { CaseRecord } from "./record.ts";
import { CaseOver, CaseSkipped, openStage } from "./stage.ts";
import type { StillClock } from "./still-clock.ts";

/** How a case ended. */
export type CaseResult = {
  name: string;
  section: string;
  shows: string;
  result: "passed" | "failed" | "inconclusive" | "skipped";
  seconds: number;
  /** The greatest lag of the examiner itself. */
  lagMs: number;
  findings: Finding[];
  /** Why it was skipped. */
  why?: string;
  record: CaseRecord;
  /** Never to be printed. */
  licenseKey: string;
};

/** What the examiner's timer itself may be late by, on a machine that is not busy. */
const resolutionMs = 10;

/** Above this the examiner may have caused what it found. */
const disturbedAboveMs = 200;

/** Plays one case with the program that a command starts; ends early when it is stopped. */
export async function playCase(
  examined: Case,
  command: readonly string[],
  stillClock: StillClock | undefined,
  stop?: AbortSignal,
): Promise<CaseResult> {
  const { name, section, shows } = examined;
  const lag = monitorEventLoopDelay({ resolution: resolutionMs });
  lag.enable();
  const stage = await openStage(command, examined.needsStillClock ? stillClock : undefined, stop);
  let skipped: string | undefined;
  let endedAtMs: number;
  try {
    if (examined.needsSignals && !hasSignals) stage.skip("Windows has no signals");
    if (examined.needsStillClock && !stillClock) stage.skip("it needs Linux and a C compiler");
    await examined.play(stage);
  } catch (error) {
    if (error instanceof CaseSkipped) skipped = error.message;
    else if (!(error instanceof CaseOver)) throw error;
  } finally {
    endedAtMs = await stage.close();
  }
  lag.disable();
  const lagMs = Math.round(Math.max(0, lag.max / 1e6 - 2 * resolutionMs));
  const { record, licenseKey } = stage;
  const strictly = examined.strict && { intervalSeconds: stage.lease.intervalSeconds };
  const judged = judge({ record, licenseKey, endedAtMs, lagMs, ...(strictly ? { strictly } : {}) });
  const findings = [...stage.findings, ...judged].sort((a, b) => a.atMs - b.atMs);
  return {
    name,
    section,
    shows,
    result: resultOf(),
    seconds: Math.round(endedAtMs / 100) / 10,
    lagMs,
    findings,
    ...(skipped === undefined ? {} : { why: skipped }),
    record,
    licenseKey,
  };

  function resultOf(): CaseResult["result"] {
    if (skipped !== undefined) return "skipped";
    if (findings.length === 0) return "passed";
    return lagMs > disturbedAboveMs ? "inconclusive" : "failed";
  }
}
