import {
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});

/** The baseline for the functions: one `UpdateItem` by the SDK with its default settings. */
export function handler(input: UpdateItemCommandInput): Promise<unknown> {
  return client.send(new UpdateItemCommand(input));
}
