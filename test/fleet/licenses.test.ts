import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { withLicenses } from "../../fleet/licenses.ts";
import { clientFor, type Engine, startDynalite } from "../support/engines.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());

describe("the licenses of a fleet are all removed", () => {
  const count = 100;
  let client: DynamoDBDocumentClient;
  let stop: AbortController;
  beforeEach(() => {
    client = DynamoDBDocumentClient.from(clientFor(engine.endpoint));
    stop = new AbortController();
  });

  const licensesLeft = async () =>
    (await client.send(new ScanCommand({ TableName: engine.tableName, Select: "COUNT" }))).Count;
  const run = (work: (keys: string[]) => Promise<unknown>) =>
    withLicenses({ client, tableName: engine.tableName }, count, work, () => {}, stop.signal);

  /** Does something before the write of license number `after` goes out. */
  function whenMade(after: number, act: () => void) {
    let made = 0;
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === "PutItemCommand" && ++made === after) act();
          return next(args);
        },
      { step: "initialize" },
    );
  }

  test("after the work", async () => {
    expect(await run(licensesLeft)).toBe(count);
    expect(await licensesLeft()).toBe(0);
  });

  test("after work that fails, whose error is the one that is reported", async () => {
    await expect(run(() => Promise.reject(new Error("the work")))).rejects.toThrow("the work");
    expect(await licensesLeft()).toBe(0);
  });

  test("when one of them can't be made", async () => {
    whenMade(30, () => {
      throw new Error("one too many");
    });
    const work = vi.fn();
    await expect(run(work)).rejects.toThrow("one too many");
    expect(work).not.toHaveBeenCalled();
    expect(await licensesLeft()).toBe(0);
  });

  test("when the making of them is stopped", async () => {
    whenMade(30, () => stop.abort());
    const work = vi.fn();
    await expect(run(work)).rejects.toThrow("aborted");
    expect(work).not.toHaveBeenCalled();
    expect(await licensesLeft()).toBe(0);
  });
});
