import { Option } from "commander";
import * as z from "zod";
import { licenseKeySchema, symbolSchema } from "../../contract/requests/fields.ts";
import { noSymbol } from "../../lambdas/rules/entry.ts";
import { dayMs } from "../data/license-item.ts";
import { UsageError } from "./command-error.ts";
import { parseInstantMs } from "./parse-instant.ts";

/** Parses an option's value. The error message does not quote the value, which may be a key. */
export function readAs<Value>(option: string, schema: z.ZodType<Value>): (text: string) => Value {
  return (text) => {
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    throw new UsageError(`${option} must be ${schema.description}.`);
  };
}

/** An option with a value that a schema reads. */
export function option(flags: string, description: string, schema: z.ZodType): Option {
  return new Option(flags, description).argParser(readAs(flags.replace(/ .*/, ""), schema));
}

/** An option that may be given several times, with a value that a schema reads. */
export function repeatable<Value>(
  flags: string,
  description: string,
  schema: z.ZodType<Value>,
): Option {
  const read = readAs(flags.replace(/ .*/, ""), schema);
  return new Option(flags, description).argParser((text, before: Value[] = []) => [
    ...before,
    read(text),
  ]);
}

export const keySchema = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]+$/)
  .pipe(licenseKeySchema)
  .describe("1 to 128 printable ASCII characters without space");

/** Shorter keys can be guessed. Keys of before are taken by `import` as they are. */
export const newKeySchema = keySchema
  .refine((key) => key.length >= 12)
  .describe("12 to 128 printable ASCII characters without space");

export const typeSchema = z
  .string()
  .trim()
  .regex(/^[^\p{C}\uFFFD]{1,64}$/u)
  .describe("1 to 64 characters, without tabs, line breaks and other control characters");

/** By RFC 5321. */
export const longestEmail = 254;

/** Accepts every legal address, including quoted and non-ASCII ones, and little else. */
export const emailSchema = z
  .string()
  .trim()
  .max(longestEmail)
  .regex(/^[^\p{C}\uFFFD]+@[^\p{C}\uFFFD\s@]+$/u)
  .describe("an e-mail address");

export const daysSchema = wholeNumber(1, 36_500);

export const seatsSchema = wholeNumber(1, 100);

/** A timeout of a license's own, seconds: two lost heartbeats at least, a day at most. */
export const timeoutSchema = wholeNumber(30, 86_400);

export const limitSchema = wholeNumber(1, 1_000_000);

/** A symbol as bots name it, or `*` for the session without a symbol, which bots can't name. */
export const sessionSymbolSchema = z
  .union([z.literal(noSymbol), symbolSchema])
  .describe("1 to 128 letters, digits, signs and spaces, or * for the session without a symbol");

export const instantSchema = z
  .string()
  .transform((text, context) => {
    const instantMs = parseInstantMs(text);
    if (instantMs !== undefined) return instantMs;
    context.addIssue("no date");
    return z.NEVER;
  })
  .describe(
    "a date such as 2027-01-31, which is its first instant in UTC, or a time such as 2027-01-31T18:00:00Z",
  );

/** The begin of a period that is looked at from now, epoch milliseconds. */
export type Since = (nowMs: number) => number;

const daysBack =
  (days: number): Since =>
  (nowMs) =>
    nowMs - days * dayMs;

const sinceSchema = z
  .string()
  .regex(/^\d{1,4}d$/)
  .transform((text) => daysBack(Number(text.slice(0, -1))))
  .or(
    instantSchema.transform(
      (atMs): Since =>
        () =>
          atMs,
    ),
  )
  .describe(`a number of days such as 3d, or ${instantSchema.description}`);

export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .describe(`a whole number from ${min} to ${max}`);
}

// What `create` and `set` both take.

export const seatsOption = () =>
  option(
    "--max-sessions <n>",
    "how many sessions, one per symbol, it may hold at a time",
    seatsSchema,
  );

export const timeoutOption = () =>
  option(
    "--timeout <seconds>",
    "its own session timeout; the service's if not given",
    timeoutSchema,
  );

export const typeOption = () =>
  option("--type <type>", "the license type, such as pro", typeSchema);

export const emailOption = () =>
  option("--email <address>", "the owner's e-mail address", emailSchema);

// What `history` and `refusals` both take.

export const sinceOption = (days: number) =>
  option("--since <when>", "days back, such as 3d, a date or a time", sinceSchema).default(
    daysBack(days),
    `${days}d`,
  );

export const untilOption = () =>
  option("--until <when>", "a date or a time; now if not given", instantSchema);
