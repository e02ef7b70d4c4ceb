import type { WhoAsked } from "../../contract/log-lines.ts";
import type { NamedSymbol } from "../../contract/requests/fields.ts";
import { noSymbol } from "../rules/entry.ts";
import { licenseIdOf } from "../rules/license-id.ts";
import { readSessionId } from "../rules/session-id.ts";
import type { Opening } from "../rules/session-request.ts";
import { deviceHash, maskFingerprint } from "../rules/shown-device.ts";
import type { Settings } from "./service.ts";

type CallerRequest = {
  license_key: string;
  device_fingerprint: string;
  symbol?: string | undefined;
  symbols?: readonly NamedSymbol[] | undefined;
};

/** Converts a request for the rules. The license key is not passed on from here. */
export function callerOf(request: CallerRequest, { multiSymbolSessions }: Settings) {
  const { symbol = noSymbol, symbols } = request;
  const named = symbols?.map((each) => each.symbol) ?? [symbol];
  return {
    licenseId: licenseIdOf(request.license_key),
    deviceFingerprint: request.device_fingerprint,
    symbols: multiSymbolSessions ? named : [noSymbol],
    /** How many symbols are named by `symbols`; `undefined` for a request without it. */
    namedSymbols: symbols?.length,
  };
}

/** Converts a request about a session that its caller believes to hold. */
export function sessionOf(
  request: CallerRequest & { session_id?: string | undefined },
  settings: Settings,
) {
  const caller = callerOf(request, settings);
  const sessionId = request.session_id;
  const isOfSeveral = settings.multiSymbolSessions && caller.namedSymbols !== undefined;
  return isOfSeveral
    ? { ...caller, sessionId, ...readSessionId(sessionId) }
    : { ...caller, sessionId, portfolioKey: undefined, grantedSymbols: 1 };
}

/** The symbols as they are answered: those of a list as the caller wrote them. */
export function symbolFields({ symbol, symbols }: CallerRequest) {
  return symbols ? { symbols: symbols.map(({ sent }) => sent) } : { symbol };
}

/** What the caller wrote for a stored symbol: all its names, where all symbols share one session. */
export function asSent({ symbols }: CallerRequest, stored: string): string[] {
  if (!symbols) return [stored];
  const meant = symbols.filter(({ symbol }) => symbol === stored || stored === noSymbol);
  return meant.map(({ sent }) => sent);
}

export function openingOf(request: {
  run_id?: string | undefined;
  claim_number?: number | undefined;
}): Opening | undefined {
  const { run_id, claim_number } = request;
  return run_id === undefined || claim_number === undefined
    ? undefined
    : { runId: run_id, claimNumber: claim_number };
}

export function whoAsked(request: CallerRequest): WhoAsked {
  const licenseId = licenseIdOf(request.license_key);
  const { device_fingerprint, symbol, symbols } = request;
  return {
    symbol,
    ...(symbols && { symbols: symbols.map((each) => each.symbol) }),
    license_id: licenseId,
    device: maskFingerprint(device_fingerprint),
    device_hash: deviceHash(licenseId, device_fingerprint),
  };
}
