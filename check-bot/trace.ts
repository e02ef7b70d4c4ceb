import { clock } from "./judge.ts";
import type { CaseResult } from "./play-case.ts";
import type { Exchange } from "./record.ts";

/** What happened in a case, a line a moment, without the license key. */
export function traceOf({ record, licenseKey }: CaseResult): string[] {
  const several = record.programs.length > 1;
  const moments: { atMs: number; text: string }[] = [];
  const add = (program: number, atMs: number, text: string) =>
    void moments.push({ atMs, text: `${several ? `[${program + 1}] ` : ""}${text}` });
  for (const [index, program] of record.programs.entries()) {
    add(index, program.startedAtMs, "the program starts");
    for (const { fromMs, untilMs } of program.paused) {
      add(index, fromMs, "the program is stopped");
      add(index, untilMs, "the program goes on");
    }
    if (program.toldToStopAtMs !== undefined) {
      add(index, program.toldToStopAtMs, "the program is told to stop");
    }
    if (program.exited) add(index, program.exited.atMs, `the program exits: ${program.exited.how}`);
    for (const { fromMs, untilMs, count } of tradesTogether(program.tradesAtMs)) {
      add(
        index,
        fromMs,
        count === 1 ? "TRADE" : `TRADE, ${count} of them, until ${clock(untilMs)}`,
      );
    }
  }
  for (const exchange of record.exchanges) {
    add(exchange.program, exchange.askedAtMs, `${exchange.route} ${namesOf(exchange)}`.trimEnd());
    const { answer, fault } = exchange;
    const note = fault ? ` (${fault})` : "";
    if (answer) {
      const held = answer.heldForMs === undefined ? "" : `, held for ${answer.heldForMs / 1_000} s`;
      const code = answer.code || "no answer of the service";
      add(exchange.program, answer.atMs, `  ${answer.status} ${code}${held}${note}`);
    } else {
      add(exchange.program, exchange.askedAtMs, `  no answer${note}`);
    }
  }
  return moments
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `${(atMs / 1_000).toFixed(2).padStart(6)}  ${text}`)
    .map((line) => line.replaceAll(licenseKey, "***"));
}

function namesOf({ sent }: Exchange): string {
  const names = [
    ["run", sent.run_id],
    ["number", sent.claim_number],
    ["session", sent.session_id],
  ] as const;
  return names
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${printable(String(value)).slice(0, 8)}`)
    .join(", ");
}

/** What a program sends must not steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, "?");
}

/** TRADEs that follow one another within half a second. */
function tradesTogether(times: readonly number[]) {
  const groups: { fromMs: number; untilMs: number; count: number }[] = [];
  for (const atMs of times) {
    const last = groups.at(-1);
    if (last && atMs - last.untilMs < 500) {
      last.untilMs = atMs;
      last.count += 1;
    } else {
      groups.push({ fromMs: atMs, untilMs: atMs, count: 1 });
    }
  }
  return groups;
}
