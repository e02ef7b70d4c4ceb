import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { expect, test } from "vitest";
import type { Item } from "../../simulation/expressions.ts";
import type { Operation } from "../../simulation/memory-table.ts";
import { runWorld } from "../../simulation/run-world.ts";
import { loadSources } from "../../simulation/sources.ts";
import { clientFor, startDynalite, startDynamoDbLocal } from "../support/engines.ts";

const TableName = "Sessions";
/** The SDK has types of its own for each call; the sample has all of them in one list. */
const commands = {
  GetItem: GetItemCommand,
  UpdateItem: UpdateItemCommand,
  PutItem: PutItemCommand,
  DeleteItem: DeleteItemCommand,
} as Record<string, unknown> as Record<string, new (input: object) => UpdateItemCommand>;

/** Worlds of single symbols, and of bots of several. */
const operations = [...(await operationsOf([1, 2], false)), ...(await operationsOf([1], true))];

test("the sample has every kind of call, applied and refused", () => {
  const kinds = new Set(
    operations.map(({ name, result }) => `${name} ${"error" in result ? result.error : "done"}`),
  );
  expect([...kinds].sort()).toEqual(
    expect.arrayContaining([
      "PutItem done",
      "UpdateItem ConditionalCheckFailedException",
      "UpdateItem done",
    ]),
  );
  expect(operations.length).toBeGreaterThan(200);
});

test.each([
  "size(",
  "if_not_exists(",
  "attribute_exists(",
  "attribute_not_exists(",
  "NOT ",
  " OR ",
])("the sample has expressions with %s", (part) => {
  const texts = operations.map(
    ({ input }) => `${input.UpdateExpression ?? ""} ${input.ConditionExpression ?? ""}`,
  );
  expect(texts.some((text) => text.includes(part))).toBe(true);
});

test("the sample has sessions of several symbols", () => {
  const names = operations.flatMap(({ input }) =>
    Object.values(input.ExpressionAttributeNames ?? {}),
  );
  expect(names).toContain("portfolios");
});

test.each([
  ["dynalite", startDynalite],
  ["DynamoDB Local", startDynamoDbLocal],
])("the model of the table decides, stores and shows as %s does", async (_name, start) => {
  const engine = await start();
  try {
    await compare(clientFor(engine.endpoint));
  } finally {
    await engine.stop();
  }
});

async function operationsOf(seeds: number[], several: boolean): Promise<Operation[]> {
  const sources = await loadSources();
  const all: Operation[] = [];
  for (const seed of seeds) {
    const prefix = `${several ? "s" : ""}${seed}`.padStart(4, "0");
    // Each world has the same license: here each gets one of its own.
    const own = <Words extends object>(words: Words): Words =>
      Object.fromEntries(
        Object.entries(words).map(([name, value]) => [
          name,
          value && ["Key", "Item", "Attributes"].includes(name)
            ? { ...value, license_id: { S: `${prefix}${value.license_id.S}` } }
            : value,
        ]),
      ) as Words;
    await runWorld({
      seed,
      sources,
      several,
      onOperation: ({ name, input, result }) =>
        all.push({ name, input: own(input), result: own(result) }),
    });
  }
  return all;
}

async function compare(client: DynamoDBClient): Promise<void> {
  for (const { name, input, result } of operations) {
    const actual = await perform(client, name, input);
    expect(readable(actual), JSON.stringify({ name, input })).toEqual(readable(result));
  }
}

async function perform(
  client: DynamoDBClient,
  name: string,
  input: Operation["input"],
): Promise<Operation["result"]> {
  const Command = commands[name];
  if (!Command) throw new Error(`There is no command for ${name}`);
  try {
    const answer = await client.send(new Command({ TableName, ...input }));
    const { Item, Attributes }: Partial<Record<"Item" | "Attributes", Item | undefined>> = answer;
    return { ...(Item && { Item }), ...(Attributes && { Attributes }) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { error: error.name, ...(error.Item && { Item: error.Item }) };
  }
}

/** Two engines may write one number in two ways. */
function readable(result: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(result).map(([name, value]) => [
      name,
      typeof value === "object" && value !== null ? unmarshall(value as Item) : value,
    ]),
  );
}
