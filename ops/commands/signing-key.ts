import type { Command } from "commander";
import { createSigningKey } from "../data/create-signing-key.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { printResult } from "../terminal/print-result.ts";
import { fieldsText } from "../terminal/text-table.ts";

export function addSigningKeyCommand(program: Command, context: CommandContext): void {
  program
    .command("signing-key")
    .description("Makes the keys by which answers are signed and checked (see create --help).")
    .command("create")
    .description(
      "Makes an Ed25519 key pair and prints both keys, the private one this once: it is stored " +
        "nowhere. It touches no table and no stack.",
    )
    .option("--json", "print JSON, always of the same shape")
    .addHelpText(
      "after",
      `
The service takes one private key, or two with a space between while you change from one to the other. The
public key is no secret: bots pin it, and so reject answers from anybody else.

Example:
  npm run license -- signing-key create`,
    )
    .action(async (options: { json?: true }) => {
      const keys = createSigningKey();
      const fields = [
        ["private key", `${keys.private_key}  (shown this once)`],
        ["public key", keys.public_key],
        ["key id", keys.key_id],
      ] as const;
      const text = fieldsText(fields, context.columns) + nextSteps(keys.public_key);
      await printResult(context, options, keys, text);
    });
}

function nextSteps(publicKey: string): string {
  return `
What to do next:
1. Store the private key as the whole text of a secret in AWS Secrets Manager, set "signingSecretArn" and
   "signingSecretVersionId" in the context of cdk.json, and deploy: docs/deploying.md, "Sign answers".
   For npm start, put it into SIGNING_KEYS.
   Changing keys: keep the old one before it in the same text, with a space between, until every bot has
   the new public key; then deploy without the old one.
2. Pin the public key in the bots: publicKeys: ["${publicKey}"] in TypeScript,
   public_keys=["${publicKey}"] in Python.
Anybody with the private key can pose as this service: keep it out of shell histories, e-mails and git.
`;
}
