import { createServer } from "node:http";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { expect, onTestFinished, test, vi } from "vitest";
import { startEngine } from "../../../local/database/start-engine.ts";
import { listen } from "../../../local/listen.ts";
import { clientFor } from "../../support/engines.ts";
import { tempFolder } from "../support/temp-folder.ts";

const settings = { enginePort: 0, engineEndpoint: undefined, host: "127.0.0.1" };

test("the embedded engine survives callers who break off", async () => {
  await using engine = await startEngine({ ...settings, dataFolder: await tempFolder() });
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
  const client = clientFor(engine.endpoint);
  onTestFinished(() => client.destroy());
  expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([]);
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
    dataFolder: "/nowhere",
    engineEndpoint: `http://127.0.0.1:${port}`,
  });
  await expect(engine).rejects.toThrow("No DynamoDB answers");
  expect(timeLimit).toHaveBeenCalledWith(4_000);
});
