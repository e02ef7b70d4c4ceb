import type { SessionStatus } from "../../clients/typescript/session.ts";

/** A status as the scenarios of both clients write it. */
export function statusInShort(status: SessionStatus): (string | number)[] {
  switch (status.state) {
    case "opening":
      return [status.state, status.problem];
    case "waiting":
      return [status.state, status.activeDevice ?? "", status.waitSeconds ?? -1];
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
  const { name, code, activeDevice, waitSeconds, field, problem, status } = facts;
  return {
    error: name,
    ...(typeof code === "string" && { code }),
    ...(activeDevice !== undefined && { activeDevice }),
    ...(waitSeconds !== undefined && { waitSeconds }),
    ...(field !== undefined && { field }),
    // What is refused has its code; of what gave no usable answer, this is all there is.
    ...(problem !== undefined && { problem, ...(status !== undefined && { status }) }),
  };
}
