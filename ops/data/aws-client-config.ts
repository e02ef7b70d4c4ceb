import type { Variables } from "../terminal/variables.ts";

/** The SDK reads AWS_REGION and the profile, but unlike the AWS CLI not AWS_DEFAULT_REGION. */
export function awsClientConfig({ AWS_REGION, AWS_DEFAULT_REGION }: Variables): {
  region?: string;
} {
  const region = AWS_REGION || AWS_DEFAULT_REGION;
  return region ? { region } : {};
}
