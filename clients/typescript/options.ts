import type { SessionOptions } from "./session.ts";
import { symbolKey } from "./symbols.ts";
import { checkTimes } from "./timing.ts";
import { baseUrl } from "./transport.ts";

/**
 * Checks what types can't, and what a program without types may have given. Each message names the
 * option, what was given and what is expected. Neither a license key nor a password is shown.
 *
 * @throws TypeError or RangeError
 */
export function checkOptions(options: SessionOptions): void {
  const given: unknown = options;
  if (typeof given !== "object" || given === null)
    throw new TypeError(
      `The options are ${shown(given)}: they must be an object with url, licenseKey and deviceFingerprint`,
    );
  baseUrl(options.url);
  checkSecret("licenseKey", options.licenseKey, "the key as its owner received it");
  checkSecret("deviceFingerprint", options.deviceFingerprint, "1 to 255 characters");
  checkOptional("symbol", options.symbol, "text that is not empty", isFilledText);
  checkSymbols(options);
  checkTimes(options);
  for (const name of ["onlyIfFree", "askHolder", "releaseAtExit"] as const)
    checkOptional(name, options[name], "true or false", (value) => typeof value === "boolean");
  const functions = ["report", "onStatus", "onSymbolLost", "onReleaseRequest", "fetch"] as const;
  for (const name of functions) checkOptional(name, options[name], "a function", isFunction);
  if (options.fetch === undefined && typeof globalThis.fetch !== "function")
    throw new TypeError("fetch is missing: this platform has none, so give one that it can use");
  checkOptional("logger", options.logger, "an object with debug, info, warn and error", isLogger);
  checkOptional("signal", options.signal, "an AbortSignal", isSignal);
  checkOptional("publicKeys", options.publicKeys, "a list of public keys", Array.isArray);
}

function checkSecret(name: string, value: unknown, expected: string): void {
  if (isFilledText(value)) return;
  const what = typeof value === "string" ? "empty" : value === undefined ? "missing" : kind(value);
  throw new TypeError(`${name} is ${what}: it must be text, ${expected}`);
}

function checkSymbols({ symbol, symbols }: SessionOptions): void {
  if (symbols === undefined) return;
  if (symbol !== undefined)
    throw new TypeError("symbol and symbols are given: give one symbol, or a list of them");
  const list: unknown = symbols;
  const expected = "it must be a list of one symbol or more, each as text";
  if (!Array.isArray(list)) throw new TypeError(`symbols is ${shown(list)}: ${expected}`);
  if (list.length === 0) throw new TypeError(`symbols is empty: ${expected}`);
  const known = new Map<string, string>();
  for (const entry of list) {
    if (!isFilledText(entry)) throw new TypeError(`symbols holds ${shown(entry)}: ${expected}`);
    const same = known.get(symbolKey(entry));
    if (same !== undefined)
      throw new TypeError(
        `symbols holds ${shown(same)} and ${shown(entry)}, which are the same symbol: name each once`,
      );
    known.set(symbolKey(entry), entry);
  }
}

function checkOptional(
  name: string,
  value: unknown,
  expected: string,
  isExpected: (value: unknown) => boolean,
): void {
  if (value !== undefined && !isExpected(value))
    throw new TypeError(`${name} is ${shown(value)}: it must be ${expected}`);
}

function isFilledText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isLogger(value: unknown): boolean {
  return ["debug", "info", "warn", "error"].every((level) => isFunction(member(value, level)));
}

function isSignal(value: unknown): boolean {
  return (
    typeof member(value, "aborted") === "boolean" && isFunction(member(value, "addEventListener"))
  );
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** As it is written in a program, or what kind of value it is. */
function shown(value: unknown): string {
  if (typeof value === "string") return value === "" ? "empty text" : JSON.stringify(value);
  if (value === undefined) return "missing";
  if (value === null || typeof value === "number" || typeof value === "boolean")
    return String(value);
  return kind(value);
}

function kind(value: unknown): string {
  if (value === null) return "null";
  const name =
    typeof value === "object" ? (value.constructor?.name ?? "object") : `${typeof value}`;
  return /^[AEIO]/i.test(name) ? `an ${name}` : `a ${name}`;
}
