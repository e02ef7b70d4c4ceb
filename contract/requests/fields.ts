import * as z from "zod/mini";

/** The entry of a bot that names no symbol, so it is no symbol's name. */
const noSymbol = "*";

/** Characters are code points, as people count them. */
function text(fewest: number, most: number, mostBytes: number = most * 4) {
  return z
    .string()
    .check(
      z.refine(
        (value) =>
          value.isWellFormed() &&
          value.length >= fewest &&
          (value.length <= most || [...value].length <= most) &&
          hasAtMostBytes(value, mostBytes),
      ),
    );
}

/** A UTF-16 unit takes at most three bytes of UTF-8: most texts need not be encoded to tell. */
function hasAtMostBytes(value: string, most: number): boolean {
  return value.length * 3 <= most || new TextEncoder().encode(value).length <= most;
}

function printableAscii(fewest: number, most: number) {
  return z.string().check(z.regex(new RegExp(`^[\\x20-\\x7e]{${fewest},${most}}$`)));
}

export const licenseKeySchema = z
  .string()
  .check(
    z.trim(),
    z.refine((key) => key.isWellFormed() && key !== "" && [...key].length <= 128),
  )
  .register(z.globalRegistry, { description: "1 to 128 characters; space around it is ignored" });

/** A caller that sends one gets a signed answer, if the service has a key. */
const nonceSchema = printableAscii(16, 128);

/**
 * Letters, marks, digits, punctuation, symbols and spaces: all general categories of Unicode but two,
 * which compiles faster than the five by their names.
 */
const symbolPattern = /^(?:[^\p{C}\p{Z}]| ){1,128}$/u;

/** A symbol as a bot names it. Parsing converts it to the form that is stored. */
export const symbolSchema = z.string().check(
  z.trim(),
  z.normalize("NFC"),
  z.toUpperCase(),
  z.normalize("NFC"),
  z.regex(symbolPattern),
  z.refine((symbol) => symbol !== noSymbol && hasAtMostBytes(symbol, 255)),
);

/** A symbol of several: as the caller wrote it, and as it is stored. */
export type NamedSymbol = { sent: string; symbol: string };

const namedSymbolSchema = z.pipe(
  z.string(),
  z.transform((sent, context): NamedSymbol => {
    const { data } = symbolSchema.safeParse(sent);
    if (data === undefined) context.issues.push({ code: "custom", input: sent });
    return { sent, symbol: data ?? "" };
  }),
);

const mostSymbols = 100;

/** The fields of every request. A description also appears in the message of the 400 that refuses. */
export const callerFields = {
  license_key: licenseKeySchema,
  device_fingerprint: text(1, 255, 512).register(z.globalRegistry, {
    description: "1 to 255 characters, at most 512 bytes",
  }),
  symbol: z.optional(symbolSchema).register(z.globalRegistry, {
    description:
      "1 to 128 letters, marks, digits, punctuation, symbols and spaces, at most 255 bytes, but not * alone; space around it and case are ignored",
  }),
  symbols: z
    .optional(z.array(namedSymbolSchema).check(z.minLength(1), z.maxLength(mostSymbols)))
    .register(z.globalRegistry, {
      description:
        "a list of 1 to 100 names, each as for `symbol` and none twice: one session for all of them; instead of `symbol`",
    }),
  nonce: z.optional(nonceSchema).register(z.globalRegistry, {
    description: "16 to 128 printable ASCII characters, fresh for each request",
  }),
};

export const openingFields = {
  run_id: z.optional(printableAscii(16, 64)).register(z.globalRegistry, {
    description:
      "16 to 64 printable ASCII characters: random, made anew at each start of the program, and kept in its memory only",
  }),
  claim_number: z
    .optional(z.int().check(z.minimum(1), z.maximum(Number.MAX_SAFE_INTEGER)))
    .register(z.globalRegistry, {
      description:
        "with `run_id`: 1, 2, ... a whole number for each opening of that run, the same for every attempt at it",
    }),
};

export const sessionIdField = z
  .optional(text(1, 64))
  .register(z.globalRegistry, { description: "the session_id of the claim, 1 to 64 characters" });

export const shortTextField = z
  .optional(text(0, 64, 128))
  .register(z.globalRegistry, { description: "at most 64 characters and 128 bytes" });

type Fields = { symbol?: unknown; symbols?: readonly NamedSymbol[] | undefined };

/** @returns what is wrong with the symbols, for any request */
export function symbolProblem({ symbol, symbols }: Fields): Problem | undefined {
  if (symbols === undefined) return undefined;
  if (symbol !== undefined) {
    return { field: "symbols", message: "symbol and symbols exclude each other: send one of them" };
  }
  for (const [index, later] of symbols.entries()) {
    const earlier = symbols.findIndex((each) => each.symbol === later.symbol);
    if (earlier < index) {
      const [first, second] = [earlier, index].map(
        (at) => `${symbols[at]?.sent} (number ${at + 1})`,
      );
      return {
        field: "symbols",
        message: `symbols has one name twice, as case is ignored: ${first} and ${second}`,
      };
    }
  }
  return undefined;
}

/** A 400 that no single field explains. */
export type Problem = { field: string; message: string };

export function openingProblem(request: {
  run_id?: unknown;
  claim_number?: unknown;
}): Problem | undefined {
  const { run_id, claim_number } = request;
  if (run_id !== undefined && claim_number === undefined) {
    return { field: "claim_number", message: "claim_number is missing: run_id needs it" };
  }
  if (run_id === undefined && claim_number !== undefined) {
    return { field: "run_id", message: "run_id is missing: claim_number needs it" };
  }
  return undefined;
}
