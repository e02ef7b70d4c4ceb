import * as z from "zod";
import { CommandError } from "./command-error.ts";

export type Variables = Record<string, string | undefined>;

const portError = "must be a port number from 0 to 65535 (0 picks a free one)";
export const portVariable = z
  .string()
  .regex(/^\d{1,5}$/, portError)
  .transform(Number)
  .pipe(z.number().max(65_535, portError));

/**
 * Reads variables by a schema; one that is empty counts as not set.
 *
 * @throws CommandError naming the variables that are wrong
 */
export function readVariables<Output>(schema: z.ZodType<Output>, env: Variables): Output {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const complaints = result.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    return `${name} ${message}, not ${JSON.stringify(given[name])}`;
  });
  throw new CommandError(`${complaints.join("; ")}.`);
}
