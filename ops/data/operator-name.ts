import { hostname, userInfo } from "node:os";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";

/** The operator's name for a table that is not on AWS: the user of this machine. */
export function userOfMachine(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `uid ${process.getuid?.() ?? "?"}@${hostname()}`;
  }
}

/**
 * The operator's name for a table on AWS: the ARN of the identity or, if STS fails, the local user.
 */
export async function awsIdentity(variables: Variables): Promise<string> {
  const client = new STSClient({
    ...awsClientConfig(variables),
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 3_000,
      throwOnRequestTimeout: true,
    },
  });
  try {
    const { Arn } = await client.send(new GetCallerIdentityCommand({}));
    return Arn ?? `${userOfMachine()} (no AWS identity)`;
  } catch {
    return `${userOfMachine()} (AWS identity unknown)`;
  } finally {
    client.destroy();
  }
}
