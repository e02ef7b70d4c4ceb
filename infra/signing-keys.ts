import { SecretValue } from "aws-cdk-lib";
import type { StackSettings } from "./stack-settings.ts";

/**
 * The value of `SIGNING_KEYS` for the functions: a reference that CloudFormation resolves when it
 * deploys them. So the key is not in the template, a function needs no grant for it, and a cold start
 * no call.
 *
 * @returns undefined if answers are not signed
 */
export function signingKeys({
  signingSecretArn,
  signingSecretVersionId,
}: StackSettings): string | undefined {
  if (signingSecretArn === undefined) return undefined;
  // CloudFormation reads the secret again only when the reference changes: hence the version.
  const options = signingSecretVersionId && { versionId: signingSecretVersionId };
  return SecretValue.secretsManager(signingSecretArn, options || {}).unsafeUnwrap();
}
