import type { Variables } from "../command-line/variables.ts";

/** The SDK knows AWS_REGION and the profile, but not the other variable that the AWS CLI reads. */
export function awsClientConfig({ AWS_REGION, AWS_DEFAULT_REGION }: Variables): {
  region?: string;
} {
  const region = AWS_REGION || AWS_DEFAULT_REGION;
  return region ? { region } : {};
}
