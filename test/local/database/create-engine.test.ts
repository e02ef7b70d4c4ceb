import { EventEmitter } from "node:events";
import { request as httpRequest } from "node:http";
import { json } from "node:stream/consumers";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { clientFor, startDynalite } from "../../support/engines.ts";

const TableName = "Sessions";

// The real dynalite, but a read begins late, as on a busy disk: what may slip in before it does.
vi.mock(import("dynalite"), async (load) => {
  const { default: dynalite } = await load();
  return {
    default: (options) => {
      const server = dynalite(options);
      const [answer] = server.listeners("request");
      server.removeAllListeners("request");
      return server.on("request", (request, response) => {
        const target = `${request.headers["x-amz-target"]}`;
        if (!target.endsWith(".GetItem")) return answer?.call(server, request, response);
        request.on("data", (body) => {
          setTimeout(() => {
            const { method, url, headers } = request;
            const late = Object.assign(new EventEmitter(), { method, url, headers });
            answer?.call(server, late, response);
            late.emit("data", body);
            late.emit("end");
          }, 1);
        });
      });
    },
  };
});

let engine: Awaited<ReturnType<typeof startDynalite>>;
let client: DynamoDBClient;
beforeAll(async () => {
  engine = await startDynalite();
  client = clientFor(engine.endpoint);
});
afterAll(async () => {
  client.destroy();
  await engine.stop();
});

const returnOld = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;

function keyOf(id: string) {
  return { license_id: { S: id } };
}

async function put(id: string, attributes: Record<string, AttributeValue>) {
  const Item = { ...keyOf(id), ...attributes };
  await client.send(new PutItemCommand({ TableName, Item }));
  return Item;
}

async function refusalOf(written: Promise<unknown>): Promise<ConditionalCheckFailedException> {
  const error = await written.then(
    () => new Error("It was written."),
    (reason) => reason,
  );
  if (error instanceof ConditionalCheckFailedException) return error;
  throw error;
}

describe("a write that its condition refuses", () => {
  const isMissing = { ConditionExpression: "attribute_not_exists(license_id)" };

  test("returns the item, whatever kind of write it is", async () => {
    const Item = await put("kinds", { seats: { M: { "*": { N: "1" } } } });
    const Key = keyOf("kinds");
    const writes = [
      client.send(new PutItemCommand({ TableName, Item: Key, ...isMissing, ...returnOld })),
      client.send(new DeleteItemCommand({ TableName, Key, ...isMissing, ...returnOld })),
      client.send(
        new UpdateItemCommand({
          TableName,
          Key,
          UpdateExpression: "REMOVE seats",
          ...isMissing,
          ...returnOld,
        }),
      ),
    ];
    for (const { Item: returned, message } of await Promise.all(writes.map(refusalOf))) {
      expect(returned).toEqual(Item);
      expect(message).toBe("The conditional request failed");
    }
  });

  test("returns no item if there is none, or the caller did not ask for it", async () => {
    const exists = { ConditionExpression: "attribute_exists(license_id)" };
    const absent = new DeleteItemCommand({
      TableName,
      Key: keyOf("absent"),
      ...exists,
      ...returnOld,
    });
    expect((await refusalOf(client.send(absent))).Item).toBeUndefined();

    await put("present", {});
    const Key = keyOf("present");
    const unasked = new DeleteItemCommand({ TableName, Key, ...isMissing });
    expect((await refusalOf(client.send(unasked))).Item).toBeUndefined();
  });

  test("returns the item as it met it while 50 writers race on it", async () => {
    await put("raced", { phase: { N: "0" } });
    let refusals = 0;

    /** Moves the item from one of two phases to the other, so that each comes back soon. */
    async function move(phase: number) {
      const command = new UpdateItemCommand({
        TableName,
        Key: keyOf("raced"),
        UpdateExpression: "SET phase = :next",
        ConditionExpression: "phase = :phase",
        ExpressionAttributeValues: {
          ":phase": { N: String(phase) },
          ":next": { N: String((phase + 1) % 2) },
        },
        ...returnOld,
      });
      const met = await client.send(command).then(
        () => undefined,
        (error) => error.Item,
      );
      if (met === undefined) return;
      refusals += 1;
      // An item of this phase would not have refused the write.
      expect(met.phase).not.toEqual({ N: String(phase) });
    }
    await Promise.all(
      Array.from({ length: 50 }, async (_, writer) => {
        for (let round = 0; round < 10; round++) await move((writer + round) % 2);
      }),
    );
    expect(refusals).toBeGreaterThan(0);
    expect(refusals).toBeLessThan(50 * 10);
  });
});

test("an update returns the item as it was before, if the caller asks for that", async () => {
  const before = await put("old", { a: { M: { b: { N: "1" }, c: { N: "2" } } } });
  const update = (id: string, UpdateExpression: string) =>
    client.send(
      new UpdateItemCommand({
        TableName,
        Key: keyOf(id),
        UpdateExpression,
        ExpressionAttributeValues: { ":three": { N: "3" } },
        ReturnValues: "ALL_OLD",
      }),
    );
  const first = await update("old", "SET a.b = a.c, d = if_not_exists(a.b, :three) REMOVE a.c");
  expect(first.Attributes).toEqual(before);
  const second = await update("old", "SET d = :three");
  const after = { ...keyOf("old"), a: { M: { b: { N: "2" } } }, d: { N: "1" } };
  expect(second.Attributes).toEqual(after);
  expect((await update("new", "SET d = :three")).Attributes).toBeUndefined();
});

describe("a web page", () => {
  const fromPage = { origin: "http://127.0.0.1:3000" };
  const listTables = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "DynamoDB_20120810.ListTables",
    "x-amz-date": "20260101T000000Z",
    authorization: "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0",
  };

  test.each(["GET", "POST", "OPTIONS"])(
    "is refused a %s, and nothing lets it read",
    async (method) => {
      const response = await fetch(engine.endpoint, {
        method,
        headers: { ...listTables, ...fromPage, "access-control-request-method": "POST" },
        ...(method === "POST" && { body: "{}" }),
      });
      expect(response.status).toBe(403);
      expect([...response.headers.keys()].join()).not.toContain("access-control");
      expect(await response.json()).toEqual({
        __type: "AccessDeniedException",
        message: "Web pages are not served: the request has the header Origin.",
      });
    },
  );

  test.each([
    ["of a name of its own", "evil.example", 421],
    ["of localhost", "localhost", 200],
  ])("that sends no Origin is judged by the Host, %s", async (_what, name, status) => {
    const { port } = new URL(engine.endpoint);
    const headers = { ...listTables, host: `${name}:${port}` };
    const answer = await new Promise<{ status: number | undefined; body: unknown }>((resolve) => {
      const request = httpRequest(engine.endpoint, { method: "POST", headers }, async (response) =>
        resolve({ status: response.statusCode, body: await json(response) }),
      );
      request.end("{}");
    });
    expect(answer).toEqual({
      status,
      body:
        status === 200
          ? { TableNames: [TableName] }
          : { __type: "AccessDeniedException", message: expect.stringContaining("localhost") },
    });
  });
});
