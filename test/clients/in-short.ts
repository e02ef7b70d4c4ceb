import type { SessionCheck } from "../../clients/typescript/check-session.ts";
import type { SessionStatus } from "../../clients/typescript/session.ts";

/** A status as the scenarios write it. */
export function statusInShort(status: SessionStatus): (string | number)[] {
  switch (status.state) {
    case "opening":
      return [status.state, status.problem];
    case "waiting":
      return [
        ...[status.state, status.activeDevice ?? "", status.waitSeconds ?? -1],
        ...(["holderAsked", "holderTold", "holderKeeps"] as const).filter((fact) => status[fact]),
      ];
    case "held":
      return [status.state, status.rightLastsMs];
    case "troubled":
      return [status.state, status.problem, status.rightLastsMs];
    case "asking":
      return status.problem === undefined ? [status.state] : [status.state, status.problem];
    case "ended":
      return [status.state, status.reason, status.code];
  }
}

/** What an opening that fails throws, as the scenarios write it. */
export function errorInShort(error: unknown): Record<string, unknown> {
  const facts = error as Record<string, unknown>;
  const { name, code, field, problem, status } = facts;
  return {
    error: name,
    ...(typeof code === "string" && { code }),
    ...refusalInShort(facts),
    ...(field !== undefined && { field }),
    // What is refused has its code; of what gave no usable answer, this is all there is.
    ...(problem !== undefined && { problem, ...(status !== undefined && { status }) }),
  };
}

/** What a check says, as the scenarios write it. */
export function checkInShort(check: SessionCheck): Record<string, unknown> {
  if (check.available) return { available: true };
  return { available: false, code: check.code, ...refusalInShort(check) };
}

function refusalInShort(facts: Record<string, unknown>): Record<string, unknown> {
  const names = ["activeDevice", "waitSeconds", "heldByThisDevice", "holder", "blocked"];
  const asked = ["holderAsked", "holderTold", "holderKeeps"];
  const known = [...names, ...asked].map((name) => [name, facts[name]]);
  return JSON.parse(JSON.stringify(Object.fromEntries(known)));
}
