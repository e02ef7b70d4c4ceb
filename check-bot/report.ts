import { type Finding, findingSections } from "./findings.ts";
import type { CaseResult } from "./play-case.ts";
import { printable, traceOf } from "./trace.ts";

/** How many lines of the program's output and of the trace stand with a failure. */
const linesShown = 8;

/** The whole as JSON, for programs. */
export function jsonReport(results: readonly CaseResult[], seconds: number, trace: boolean) {
  const cases = results.map((result) => ({
    name: result.name,
    section: `docs/bots.md#${result.section}`,
    shows: result.shows,
    result: result.result,
    seconds: result.seconds,
    examiner_lag_ms: result.lagMs,
    ...(result.why === undefined ? {} : { why: result.why }),
    findings: result.findings.map(({ kind, text, seconds: withoutRight, atMs }) => ({
      kind,
      text,
      section: sectionOf({ kind }),
      at_seconds: Math.round(atMs / 10) / 100,
      ...(withoutRight === undefined
        ? {}
        : { seconds_without_right: Number(withoutRight.toFixed(2)) }),
    })),
    ...(trace ? { trace: traceOf(result) } : {}),
  }));
  const counts = Object.fromEntries(
    (["passed", "failed", "inconclusive", "skipped"] as const).map((kind) => [
      kind,
      results.filter(({ result }) => result === kind).length,
    ]),
  );
  return `${JSON.stringify({ ...counts, seconds, cases }, undefined, 2)}\n`;
}

/** The whole for people: a line a case, then the failures in full. */
export function textReport(results: readonly CaseResult[], seconds: number, trace: boolean) {
  const width = Math.max(4, ...results.map(({ name }) => name.length));
  const rows = results.map(({ name, result, seconds: took, findings, why }) => {
    const kinds = [...new Set(findings.map(({ kind }) => kind))].join(", ");
    const note = result === "skipped" ? (why ?? "") : kinds;
    return `${name.padEnd(width)}  ${result.padEnd(12)}  ${took.toFixed(1).padStart(7)}  ${note}`;
  });
  const header = `${"case".padEnd(width)}  ${"result".padEnd(12)}  seconds  found`;
  const details = results
    .filter(({ result }) => result === "failed" || result === "inconclusive" || trace)
    .map((result) => inFull(result, trace));
  const count = (wanted: CaseResult["result"]) =>
    results.filter(({ result }) => result === wanted).length;
  const others = (["inconclusive", "skipped"] as const)
    .filter((kind) => count(kind) > 0)
    .map((kind) => `, ${count(kind)} ${kind}`)
    .join("");
  const sum = `${count("passed")} passed, ${count("failed")} failed${others}, in ${seconds.toFixed(0)} s`;
  return `${[`${header.trimEnd()}\n${rows.map((row) => row.trimEnd()).join("\n")}`, ...details, sum].join("\n\n")}\n`;
}

function inFull(result: CaseResult, trace: boolean): string {
  const { name, shows, findings, record, licenseKey, lagMs } = result;
  const lines = [`${name}: ${result.result.toUpperCase()}`, `  A program ${shows}.`];
  for (const finding of findings) {
    lines.push(`  - The program ${finding.text}.`, `    What to do: ${sectionOf(finding)}`);
  }
  if (result.result === "inconclusive") {
    lines.push(
      `  The examiner itself was ${lagMs} ms late: run it again on a machine that is less busy.`,
    );
  }
  const output = record.programs.flatMap((program) => program.output.trimEnd().split("\n"));
  const shown = output.filter(Boolean).slice(-linesShown);
  if (findings.length > 0 && shown.length > 0) {
    lines.push("  It printed last:");
    for (const line of shown) {
      lines.push(`    ${printable(line.replaceAll(licenseKey, "***")).slice(0, 200)}`);
    }
  }
  if (trace)
    lines.push("  What happened (seconds of the case):", ...traceOf(result).map((l) => `    ${l}`));
  return lines.join("\n");
}

function sectionOf({ kind }: Pick<Finding, "kind">): string {
  return `docs/bots.md#${findingSections[kind]}`;
}
