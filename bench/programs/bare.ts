import {
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});

/** What the functions are measured against: the SDK as it comes, and one `UpdateItem`. */
export function handler(input: UpdateItemCommandInput): Promise<unknown> {
  return client.send(new UpdateItemCommand(input));
}
