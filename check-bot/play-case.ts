import type { Case } from "./case.ts";
import type { Finding } from "./findings.ts";
import { judge } from "./judge.ts";
import { measureLag } from "./lag.ts";
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
  const lag = measureLag();
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
  const lagMs = Math.round(lag.stop());
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
