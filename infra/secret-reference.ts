import { SecretValue } from "aws-cdk-lib";

/**
 * A reference to a secret, or to one field of it, that CloudFormation resolves when it deploys. So the
 * value is in no template, and whatever gets it needs neither a grant nor a call.
 *
 * @param versionId CloudFormation reads the secret again only when this changes
 */
export function secretReference(
  arn: string,
  { versionId, jsonField }: { versionId?: string | undefined; jsonField?: string } = {},
): string {
  return SecretValue.secretsManager(arn, {
    ...(versionId !== undefined && { versionId }),
    ...(jsonField !== undefined && { jsonField }),
  }).unsafeUnwrap();
}
