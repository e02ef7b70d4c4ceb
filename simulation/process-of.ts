import type { Process } from "./checker.ts";
import type { Life } from "./program.ts";
import { createActor } from "./scheduler.ts";

/** The process of a life that begins. */
export function processOf({ name, device, symbol }: Life, licenseId: string): Process {
  return {
    name,
    device,
    actor: createActor(name),
    licenseId,
    symbol: symbol ?? "*",
    session: undefined,
    legacyBot: undefined,
    sessionId: undefined,
    grantedMs: 0,
    confirmedUntilMs: 0,
    confirmedSentMs: 0,
    sent: new Map(),
    goneMs: undefined,
    releases: false,
    endedByCopyMs: Number.NEGATIVE_INFINITY,
    state: "starting",
    endedForGood: false,
  };
}
