import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { createEngine } from "../../local/database/create-engine.ts";

const tableName = "Sessions";

/**
 * The embedded engine of `npm start`, but without a socket and without most of the SDK in front of
 * it: three times as many cases in the same time. DynamoDB Local and the faults run over the wire.
 */
export async function openInProcessDynalite() {
  const engine = createEngine();

  async function ask(operation: string, input: Record<string, unknown>) {
    const { status, body } = await engine.ask({
      method: "POST",
      url: "/",
      headers: { ...signedHeaders, "x-amz-target": `DynamoDB_20120810.${operation}` },
      body: Buffer.from(JSON.stringify(input)),
    });
    return { status, body: answerSchema.parse(JSON.parse(body)) };
  }

  await ask("CreateTable", {
    TableName: tableName,
    KeySchema: [{ AttributeName: "license_id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "license_id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  let described = await ask("DescribeTable", { TableName: tableName });
  while (described.body.Table?.TableStatus !== "ACTIVE") {
    described = await ask("DescribeTable", { TableName: tableName });
  }

  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: "local" }));
  client.middlewareStack.add(
    (_next, { commandName }) =>
      async ({ input }) => {
        const operation = `${commandName}`.replace(/Command$/, "");
        const apiName = operation.endsWith("Item") ? operation : `${operation}Item`;
        // The functions send attribute values as they are, the tests go through the document client.
        const isMarshalled = typeof licenseIdIn(input) === "object";
        const { status, body } = await ask(
          apiName,
          isMarshalled ? { ...input } : marshalled(input),
        );
        if (status === 200) {
          const output = isMarshalled ? { $metadata: {}, ...body } : unmarshalled(body);
          return { output, response: undefined };
        }
        const { message = "", Item } = body;
        throw `${body.__type}`.endsWith("ConditionalCheckFailedException")
          ? new ConditionalCheckFailedException({ message, $metadata: {}, ...(Item && { Item }) })
          : new Error(`${body.__type}: ${message}`);
      },
    { step: "initialize", priority: "low" },
  );

  return { client, tableName, async stop() {} };
}

const itemSchema = z.record(z.string(), z.custom<AttributeValue>());
const answerSchema = z.object({
  __type: z.string().optional(),
  message: z.string().optional(),
  Attributes: itemSchema.optional(),
  Item: itemSchema.optional(),
  Table: z.object({ TableStatus: z.string() }).optional(),
});
type Answer = z.infer<typeof answerSchema>;

const signedHeaders = {
  host: "in-process",
  "content-type": "application/x-amz-json-1.0",
  authorization:
    "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
  "x-amz-date": "20260101T000000Z",
};

function licenseIdIn(input: object): unknown {
  const key = "Key" in input ? input.Key : "Item" in input ? input.Item : undefined;
  return typeof key === "object" && key !== null && "license_id" in key
    ? key.license_id
    : undefined;
}

function marshalled(input: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name,
      ["Key", "Item", "ExpressionAttributeValues"].includes(name) ? marshall(value) : value,
    ]),
  );
}

function unmarshalled({ Attributes, Item }: Answer) {
  return {
    $metadata: {},
    ...(Attributes && { Attributes: unmarshall(Attributes) }),
    ...(Item && { Item: unmarshall(Item) }),
  };
}
