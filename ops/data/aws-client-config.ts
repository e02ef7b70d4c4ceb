import { CommandError } from "../terminal/command-error.ts";
import type { Variables } from "../terminal/variables.ts";

/**
 * The SDK reads AWS_REGION and the profile, but unlike the AWS CLI not AWS_DEFAULT_REGION.
 *
 * @throws CommandError if the Region is empty, or can't be one
 */
export function awsClientConfig({ AWS_REGION, AWS_DEFAULT_REGION }: Variables): {
  region?: string;
} {
  const region = AWS_REGION || AWS_DEFAULT_REGION;
  if (!region) {
    if (AWS_REGION === undefined) return {};
    throw new CommandError("AWS_REGION is set but empty: set it to a Region, or unset it.");
  }
  if (!/^[a-z]{2,}(-[a-z0-9]+)+$/.test(region)) {
    throw new CommandError(
      `AWS_REGION is not the name of a Region, such as eu-central-1: ${JSON.stringify(region)}.`,
    );
  }
  return { region };
}
