import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";

/**
 * Finds out whether the engine returns the stored item with a refused write, as DynamoDB does and
 * dynalite doesn't. Writes nothing.
 *
 * @param licenseId of a license that exists
 */
export async function returnsRefusedItem(
  { client, tableName }: { client: DynamoDBDocumentClient; tableName: string },
  licenseId: string,
): Promise<boolean> {
  try {
    await client.send(
      new PutCommand({
        TableName: tableName,
        Item: { license_id: licenseId },
        ConditionExpression: "attribute_not_exists(license_id)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return error.Item !== undefined;
    throw error;
  }
  throw new Error("A write on a condition that doesn't hold was let through");
}
