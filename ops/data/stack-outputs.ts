import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import * as z from "zod";
import { CommandError } from "../terminal/command-error.ts";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";

/**
 * Reads the outputs of the stack, and when it was last deployed.
 *
 * @throws CommandError if there is no such stack or it names no table; otherwise SDK errors
 */
export async function readStackOutputs(
  stackName: string,
  variables: Variables,
): Promise<StackOutputs> {
  const client = new CloudFormationClient(awsClientConfig(variables));
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const [stack] = Stacks;
    const outputs = Object.fromEntries(
      (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
    const result = outputsSchema.safeParse(outputs);
    if (result.success) {
      const { TableName, FunctionLogGroups, ChangesLogGroup, Commit = null } = result.data;
      const logGroups = FunctionLogGroups?.split(",") ?? [];
      const at = (stack?.LastUpdatedTime ?? stack?.CreationTime)?.getTime() ?? null;
      return {
        tableName: TableName,
        history: { logGroups, changesLogGroup: ChangesLogGroup },
        deployed: { at, commit: Commit },
      };
    }
    throw new CommandError(
      `The stack ${stackName} has no output TableName: it is not a stack of this project. --table NAME names a table without its stack.`,
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

const outputsSchema = z.object({
  TableName: z.string().min(1),
  FunctionLogGroups: z.string().optional(),
  ChangesLogGroup: z.string().optional(),
  Commit: z.string().optional(),
});

/** The log groups of the functions, and that of operators' changes. */
export type StackHistory = { logGroups: readonly string[]; changesLogGroup: string | undefined };

type StackOutputs = { tableName: string; history: StackHistory; deployed: Deployed };

/** What is deployed, since when; `null` where the stack does not say it. */
export type Deployed = { at: number | null; commit: string | null };
