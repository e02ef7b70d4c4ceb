import { randomInt } from "node:crypto";
import type { Command } from "commander";
import * as z from "zod";
import { licenseKeySchema } from "../lambdas/license-key.ts";
import { expirationIso, type License } from "../lambdas/sessions/license.ts";
import { createLicense } from "./create-license.ts";
import { withTable } from "./license-table.ts";
import { Refusal, WrongUsage } from "./refusal.ts";

const dayMs = 86_400_000;

/** Adds `create`, which makes a license and tells its key, once. */
export function addCreateCommand(program: Command, output: NodeJS.WritableStream): void {
  program
    .command("create")
    .description("Makes a license and prints its key, once: only a hash of it is stored.")
    .option("--key <key>", "the key; a random one if not given", readAs("--key", keySchema))
    .option("--type <type>", "what was sold", readAs("--type", textSchema), "standard")
    .option("--days <n>", "how long it lasts; for ever if not given", readAs("--days", daysSchema))
    .option(
      "--max-sessions <n>",
      "how many symbols at a time",
      readAs("--max-sessions", seatsSchema),
      20,
    )
    .option("--email <address>", "whose it is", readAs("--email", emailSchema))
    .option(
      "--table <name>",
      "the table on AWS; the one of npm start if not given",
      readAs("--table", tableSchema),
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExample:\n  npm run license -- create --type pro --days 365 --email ada@example.com",
    )
    .action(async (options: CreateOptions) => {
      const nowMs = Date.now();
      const licenseKey = options.key ?? randomLicenseKey();
      const result = await withTable(options.table, process.env, (table) =>
        createLicense(
          table,
          {
            licenseKey,
            licenseType: options.type,
            maxSessions: options.maxSessions,
            ...(options.email !== undefined && { email: options.email }),
            ...(options.days !== undefined && { expiresAtMs: nowMs + options.days * dayMs }),
          },
          nowMs,
        ),
      );
      if (!result.created) {
        throw new Refusal("A license with this key exists already; it was left as it is.");
      }
      output.write(
        options.json ? asJson(licenseKey, result.license) : asText(licenseKey, result.license),
      );
    });
}

/** A key of 16 characters of A-Z0-9 (82 bits) from the system's cryptographic source. */
export function randomLicenseKey(): string {
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const group = () =>
    Array.from({ length: 4 }, () => characters.charAt(randomInt(characters.length))).join("");
  return [group(), group(), group(), group()].join("-");
}

type CreateOptions = {
  key?: string;
  type: string;
  days?: number;
  maxSessions: number;
  email?: string;
  table?: string;
  json?: true;
};

const keySchema = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]+$/)
  .pipe(licenseKeySchema)
  .describe("1 to 128 printable ASCII characters without space");
const textSchema = z.string().trim().min(1).max(64).describe("1 to 64 characters");
const daysSchema = z.coerce
  .number()
  .int()
  .min(1)
  .max(36_500)
  .describe("a whole number from 1 to 36500");
const seatsSchema = z.coerce
  .number()
  .int()
  .min(1)
  .max(100)
  .describe("a whole number from 1 to 100");
const emailSchema = z.email().max(254).describe("an e-mail address");
const tableSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{3,255}$/)
  .describe("the name of a table");

/** A reader of an option's value. It refuses without quoting the value, which may be a key. */
function readAs<Value>(option: string, schema: z.ZodType<Value>): (text: string) => Value {
  return (text) => {
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    throw new WrongUsage(`${option} must be ${schema.description}.`);
  };
}

function asJson(licenseKey: string, license: License): string {
  const { email = null, license_expiration = null, ...always } = license;
  return `${JSON.stringify({ license_key: licenseKey, ...always, email, license_expiration })}\n`;
}

function asText(licenseKey: string, license: License): string {
  const lines = [
    ["license key", `${licenseKey}  (shown this once)`],
    ["license id", license.license_id],
    ["type", license.license_type],
    ["expires", expirationIso(license) ?? "never"],
    ["max sessions", String(license.max_sessions)],
    ["email", license.email ?? "-"],
  ] as const;
  return lines.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join("");
}
