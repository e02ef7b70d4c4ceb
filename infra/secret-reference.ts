/**
 * A reference to a secret, or to one field of it, which CloudFormation resolves when it deploys.
 * The value appears in no template, and its user needs neither a permission nor a call to read it.
 *
 * @param versionId CloudFormation reads the secret again only when this changes
 */
export function secretReference(arn: string, versionId = "", jsonField = ""): string {
  return `{{resolve:secretsmanager:${arn}:SecretString:${jsonField}::${versionId}}}`;
}
