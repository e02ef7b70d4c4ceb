import { once } from "node:events";
import { env } from "node:process";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { licenseIdOf } from "../lambdas/license-key.ts";
import { createLicense } from "../ops/create-license.ts";
import { localTableName } from "../ops/license-table.ts";
import { createApi } from "./api.ts";
import { readAssembly } from "./assembly.ts";
import { startEngine } from "./engine.ts";
import { startFront } from "./front.ts";
import { functionEnvironment } from "./function-environment.ts";
import { startFunction } from "./function-host.ts";
import { localClientConfig } from "./local-client-config.ts";
import { makeDataFolder } from "./make-data-folder.ts";
import { returnsRefusedItem } from "./refused-item.ts";
import { readSettings } from "./settings.ts";
import { StartProblem } from "./start-problem.ts";
import { stopSignal } from "./stop-signals.ts";
import { synthesize } from "./synthesize.ts";
import { createMissingTables } from "./tables.ts";

const demoKey = "DEMO-DEMO-DEMO-DEMO";

const stop = stopSignal("npm_lifecycle_event" in env);
const stopped = once(stop, "abort");
const resources = new AsyncDisposableStack();
let exitCode = 0;
try {
  await Promise.race([start(), stopped]);
  await stopped;
} catch (error) {
  if (!stop.aborted) {
    console.error(error instanceof StartProblem ? error.message : error);
    exitCode = 1;
  }
}
await resources.disposeAsync();
process.exit(exitCode);

/** Leaves in `resources` all that must be closed at the end, the last one first. */
async function start(): Promise<void> {
  const settings = readSettings(env);
  const assemblyFolder = await makeDataFolder(settings.dataFolder, "cdk.out");

  console.log("Starting the database and synthesizing the stack ...");
  const context = {
    sessionTimeoutSeconds: String(settings.sessionTimeoutSeconds),
    multiSymbolSessions: String(settings.multiSymbolSessions),
  };
  // Before the stack is written: its folder may be in use by another start on the same data.
  const engine = resources.use(await startEngine(settings));
  const ending = new AbortController();
  const synthesized = synthesize(assemblyFolder, context, ending.signal);
  resources.defer(async () => {
    ending.abort();
    await synthesized.catch(() => {});
  });
  await synthesized;
  const app = await readAssembly(assemblyFolder);

  const client = new DynamoDBClient(localClientConfig(engine.endpoint));
  resources.defer(() => client.destroy());
  await createMissingTables(client, app.tables);
  const licenses = { client: DynamoDBDocumentClient.from(client), tableName: localTableName };
  await createLicense(licenses, { licenseKey: demoKey }, Date.now());
  const askForRefusedItem = !(await returnsRefusedItem(licenses, licenseIdOf(demoKey)));

  const { PATH, SystemRoot } = env;
  const functions = new Map(
    app.functions.map((spec) => {
      const environment = {
        ...functionEnvironment(spec, engine.endpoint, { PATH, SystemRoot }),
        ASK_FOR_REFUSED_ITEM: String(askForRefusedItem),
      };
      return [spec.id, resources.use(startFunction({ ...spec, environment, output: "inherit" }))];
    }),
  );
  await Promise.all([...functions.values()].map(({ loaded }) => loaded));
  const api = createApi(app, functions, (line) => console.error(line));
  const front = resources.use(await startFront(api, settings.port, app.cors));

  const address = `http://127.0.0.1:${front.port}`;
  const data = settings.engineEndpoint === undefined ? `, data in ${settings.dataFolder}` : "";
  const claim = JSON.stringify({ license_key: demoKey, device_fingerprint: "my-laptop" });
  console.log(`listening on ${address}`);
  console.log(`DynamoDB at ${engine.endpoint}${data}. Ctrl-C ends it. A first claim:`);
  console.log(
    `  curl -X POST ${address}/api/validate-license -H 'content-type: application/json' -d '${claim}'`,
  );
}
