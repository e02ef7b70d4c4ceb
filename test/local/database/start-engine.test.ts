import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { expect, onTestFinished, test, vi } from "vitest";
import { createMissingTables } from "../../../local/database/create-missing-tables.ts";
import { type Engine, startEngine } from "../../../local/database/start-engine.ts";
import { listen } from "../../../local/listen.ts";
import { createLicense } from "../../../ops/data/create-license.ts";
import { localClientConfig } from "../../../ops/data/local-engine.ts";
import { tempFolder } from "../support/temp-folder.ts";

const tables = [
  {
    tableName: "Sessions",
    KeySchema: [{ AttributeName: "license_id", KeyType: "HASH" as const }],
    AttributeDefinitions: [{ AttributeName: "license_id", AttributeType: "S" as const }],
    BillingMode: "PAY_PER_REQUEST" as const,
  },
];
const settings = { enginePort: 0, engineEndpoint: undefined, host: "127.0.0.1" };
const license = { licenseKey: "TEST-TEST-TEST-TEST" };

function startEmbedded(dataFolder: string, enginePort = 0): Promise<Engine> {
  return startEngine({ ...settings, dataFolder, enginePort });
}

function licensesOf({ endpoint }: Engine) {
  const client = new DynamoDBClient(localClientConfig(endpoint));
  onTestFinished(() => client.destroy());
  return { client: DynamoDBDocumentClient.from(client), tableName: "Sessions" };
}

test("the embedded engine finds its data again at its next start", async () => {
  const folder = await tempFolder();
  {
    await using engine = await startEmbedded(folder);
    const licenses = licensesOf(engine);
    await createMissingTables(licenses.client, tables);
    expect(await createLicense(licenses, license, 0)).toMatchObject({ created: true });
  }
  await using engine = await startEmbedded(folder);
  const licenses = licensesOf(engine);
  await createMissingTables(licenses.client, tables);
  expect(await createLicense(licenses, license, 0)).toEqual({ created: false });
});

test("the embedded engine survives callers who break off", async () => {
  await using engine = await startEmbedded(await tempFolder());
  const { client } = licensesOf(engine);
  const request = fetch(engine.endpoint, {
    method: "POST",
    duplex: "half",
    body: new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from("{"));
        setTimeout(() => controller.error(new Error("broken off")), 50);
      },
    }),
  });
  await expect(request).rejects.toThrow();
  await createMissingTables(client, tables);
});

test("an engine that does not answer is reported with the variable that names it", async () => {
  const other = createServer();
  const port = await listen(other, 0, "OTHER_PORT");
  other.close();
  await once(other, "close");
  const engine = startEngine({
    ...settings,
    dataFolder: join("/", "nowhere"),
    engineEndpoint: `http://127.0.0.1:${port}`,
  });
  await expect(engine).rejects.toThrow(/^No DynamoDB answers at DYNAMODB_ENDPOINT http/);
});

test("an engine that accepts but never answers is reported after 4 s", async () => {
  const timeUp = new AbortController();
  const timeLimit = vi.spyOn(AbortSignal, "timeout").mockReturnValue(timeUp.signal);
  onTestFinished(() => timeLimit.mockRestore());
  const silent = createServer(() => timeUp.abort());
  onTestFinished(() => {
    silent.close();
    silent.closeAllConnections();
  });
  const port = await listen(silent, 0, "OTHER_PORT");
  const engine = startEngine({
    ...settings,
    dataFolder: join("/", "nowhere"),
    engineEndpoint: `http://127.0.0.1:${port}`,
  });
  await expect(engine).rejects.toThrow("No DynamoDB answers");
  expect(timeLimit).toHaveBeenCalledWith(4_000);
});
