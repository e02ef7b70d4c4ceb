import type { Command } from "commander";
import { deviceOf, secondsUntilFree } from "../../lambdas/rules/entry.ts";
import { entryAt } from "../../lambdas/rules/license.ts";
import { maskFingerprint } from "../../lambdas/rules/shown-device.ts";
import { type EndSessionOutcome, endSeenSession } from "../data/end-seen-session.ts";
import { entriesOf, type LicenseItem } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { licenseName, sessionText } from "../terminal/license-text.ts";
import { repeatable, sessionSymbolSchema } from "../terminal/option-readers.ts";
import { addChangeVerb, type Plan } from "./change-verb.ts";

type EndSessionOptions = {
  symbol?: string[] | undefined;
  all?: true | undefined;
  now?: true | undefined;
};

export function addEndSessionCommand(program: Command, context: CommandContext): void {
  addChangeVerb<EndSessionOptions>(program, context, {
    name: "end-session",
    description:
      "Ends a session, or all. Its bot is refused at its next heartbeat (session_ended), stops, and " +
      "does not claim again on its own. Asks.",
    example: "end-session 4f1c09aa --symbol ES",
    more: `
The next device is let in when the lease of the bot is over, within the timeout: until then the bot may go
on trading. The same device may claim at once, if somebody starts its bot again; to keep it out, suspend
the license.
`,
    addOptions: (command) =>
      command
        .addOption(
          repeatable(
            "--symbol <symbol>",
            "the session of this symbol; may be given several times; '*' is the one without a symbol",
            sessionSymbolSchema,
          ).conflicts("all"),
        )
        .option("--all", "every session of the license")
        .option(
          "--now",
          "let the next device in at once. The risk: a running bot goes on trading beside it until " +
            "its next heartbeat or, if it is cut off from the network, until its lease is over",
        ),
    plan: planEnd,
  });
}

/** What `end-session` is going to do to a license. */
export function planEnd(license: LicenseItem, options: EndSessionOptions, nowMs: number): Plan {
  const chosen = chosenSymbols(license, options);
  if ("refusal" in chosen) return chosen;
  const symbols = chosen.filter((symbol) => {
    const entry = entryAt(license, symbol)?.entry;
    const isOver = entry?.kind === "vacancy" && entry.ended_at !== undefined;
    return !isOver || (options.now && secondsUntilFree(entry, nowMs) > 0);
  });
  const already = chosen.filter((symbol) => !symbols.includes(symbol));
  if (symbols.length === 0) {
    return {
      alreadySo: `Already ended; nothing was done. ${whenFree(license, already, nowMs)}`,
    };
  }
  const described = symbols.map((symbol) => {
    const entry = entryAt(license, symbol)?.entry;
    return entry ? `${symbol} (${sessionText(entry, nowMs)})` : symbol;
  });
  const risk = options.now
    ? " Its bot may go on trading beside the next device until its lease is over."
    : "";
  return {
    question: `End ${described.join(", ")} of ${licenseName(license)}?${risk}`,
    async apply(table, note) {
      const { now = false, all = false } = options;
      const before = { ...license, sessions: { ...license.sessions } };
      let after: LicenseItem | undefined;
      const messages: string[] = [];
      const left: Left = { released: [], claimed: [], changed: [] };
      const ended = new Set<string>();
      for (const symbol of symbols) {
        if (ended.has(symbol)) continue;
        const outcome = await endSeenSession(
          table,
          license,
          symbol,
          { now, wholeSession: all },
          note,
        );
        switch (outcome.code) {
          case "ended":
            for (const each of outcome.symbols) {
              ended.add(each);
              before.sessions[each] = outcome.before;
            }
            after = outcome.after;
            messages.push(endedText(outcome, symbol, note.atMs));
            break;
          case "released":
          case "claimed":
          case "changed":
            left[outcome.code].push(symbol);
        }
      }
      if (options.all) left.claimed.push(...heldBesides(symbols, after));
      messages.push(...leftTexts(left));
      if (already.length > 0) messages.push(`Already ended before: ${already.join(", ")}.`);
      if (!after) return { refusal: `Nothing was done. ${messages.join(" ")}` };
      return { before, after, message: messages.join("\n") };
    },
  };
}

/** Symbols whose session was not ended, by the reason. */
type Left = Record<Exclude<EndSessionOutcome["code"], "ended">, string[]>;

/** Other symbols with a session that was claimed after the license was read. */
function heldBesides(symbols: string[], after: LicenseItem | undefined): string[] {
  return (after ? entriesOf(after) : []).flatMap(([symbol, entry]) =>
    entry.kind === "session" && !symbols.includes(symbol) ? [symbol] : [],
  );
}

function leftTexts({ released, claimed, changed }: Left): string[] {
  return [
    released.length > 0 && `Released just now, so there is nothing to end: ${released.join(", ")}.`,
    claimed.length > 0 &&
      `Claimed just now, so not ended: ${claimed.join(", ")}. Check with show, then try again.`,
    changed.length > 0 &&
      `Changed by somebody else just now, so not ended: ${changed.join(", ")}. Check with show, then try again.`,
  ].filter((text) => text !== false);
}

/** The symbols that are meant, or why none can be. */
function chosenSymbols(
  license: LicenseItem,
  { symbol: named, all }: EndSessionOptions,
): string[] | { refusal: string } {
  const symbols = Object.keys(license.sessions).sort();
  if (symbols.length === 0) return { refusal: "it has no session." };
  if (all || (named === undefined && symbols.length === 1)) return symbols;
  if (named === undefined) {
    throw new UsageError(
      `Nothing was done: ${licenseName(license)} has several sessions (${symbols.join(", ")}). Use --symbol S or --all.`,
    );
  }
  const missing = named.filter((symbol) => !symbols.includes(symbol));
  if (missing.length > 0) {
    return { refusal: `it has no session ${missing.join(", ")}. It has ${symbols.join(", ")}.` };
  }
  return [...new Set(named)];
}

/** Says which bot will be refused, and when another device may claim. */
function endedText(
  { before: was, after }: EndSessionOutcome & { code: "ended" },
  symbol: string,
  nowMs: number,
): string {
  const is = entryAt(after, symbol)?.entry;
  const device = deviceOf(was);
  if (!is || device === undefined) return `Session ${symbol} is gone.`;
  const secondsLeft = secondsUntilFree(is, nowMs);
  const free =
    secondsLeft > 0
      ? `Another device may claim ${symbol} in ${secondsLeft} s`
      : `Another device may claim ${symbol} now`;
  const trades =
    was.kind === "session" && secondsLeft === 0 && secondsUntilFree(was, nowMs) > 0
      ? `; the bot may still trade for up to ${secondsUntilFree(was, nowMs)} s`
      : "";
  return `The bot on ${maskFingerprint(device)} is refused at its next heartbeat (session_ended). ${free}${trades}.`;
}

function whenFree(license: LicenseItem, symbols: readonly string[], nowMs: number): string {
  return symbols
    .map((symbol) => {
      const entry = entryAt(license, symbol)?.entry;
      return `${symbol} is free in ${entry ? secondsUntilFree(entry, nowMs) : 0} s.`;
    })
    .join(" ");
}
