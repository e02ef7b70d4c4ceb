import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import * as z from "zod";
import { CommandError } from "../engine/command-error.ts";
import type { Variables } from "../engine/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";

/**
 * What the stack tells of itself in its outputs.
 *
 * @throws CommandError if there is no such stack or it tells no table; else the errors of the SDK
 */
export async function readStackOutputs(
  stackName: string,
  variables: Variables,
): Promise<{ tableName: string; timeoutSeconds: number }> {
  const client = new CloudFormationClient(awsClientConfig(variables));
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const outputs = Object.fromEntries(
      (Stacks[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
    const result = outputsSchema.safeParse(outputs);
    if (result.success) return result.data;
    throw new CommandError(
      `The stack ${stackName} has no output TableName or SessionTimeoutSeconds; deploy it with this version, or name its table with --table.`,
    );
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) {
      throw new CommandError(`There is no stack ${stackName} in this account and Region.`);
    }
    throw error;
  } finally {
    client.destroy();
  }
}

const outputsSchema = z
  .object({
    TableName: z.string().min(1),
    SessionTimeoutSeconds: z.coerce.number().int().positive(),
  })
  .transform((outputs) => ({
    tableName: outputs.TableName,
    timeoutSeconds: outputs.SessionTimeoutSeconds,
  }));
