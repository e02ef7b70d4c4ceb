import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { env } from "node:process";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createLicense } from "../ops/data/create-license.ts";
import { historyFile, localClientConfig } from "../ops/data/local-engine.ts";
import { localTableName } from "../ops/data/table-handle.ts";
import { CommandError } from "../ops/terminal/command-error.ts";
import { stopSignal } from "../ops/terminal/stop-signal.ts";
import { createMissingTables } from "./database/create-missing-tables.ts";
import { dataProblem, makeDataFolder } from "./database/data-folder.ts";
import { startEngine } from "./database/start-engine.ts";
import { startEventBus } from "./events/start-event-bus.ts";
import { startSchedule } from "./events/start-schedule.ts";
import { functionEnvironment } from "./functions/function-environment.ts";
import type { LogLevel } from "./functions/function-log.ts";
import { startFunction } from "./functions/start-function.ts";
import { createApi } from "./gateway/create-api.ts";
import { startGateway } from "./gateway/start-gateway.ts";
import { expectFree } from "./listen.ts";
import { localSigningKeys } from "./local-signing-keys.ts";
import { logFailure, logFunctionLine, logRequest, surviveReaders } from "./log.ts";
import { readStartSettings } from "./start-settings.ts";
import { interpretTemplate } from "./template/interpret-template.ts";
import { synthesize } from "./template/synthesize.ts";

const demoKey = "DEMO-DEMO-DEMO-DEMO";

const stop = stopSignal("npm_lifecycle_event" in env);
const stopped = once(stop, "abort");
// The embedded engine reports problems with its data by throwing from its internal callbacks.
const { promise: broken, reject } = Promise.withResolvers<never>();
process.on("uncaughtException", reject);
surviveReaders();
const resources = new AsyncDisposableStack();
let dataFolder = "";
let exitCode = 0;
try {
  await Promise.race([start().then(() => stopped), stopped, broken]);
} catch (error) {
  if (!stop.aborted) {
    const problem = error instanceof CommandError ? error.message : dataProblem(error, dataFolder);
    console.error(problem ?? error);
    exitCode = 1;
  }
}
await resources.disposeAsync();
process.exit(exitCode);

/**
 * Adds everything that must be closed at the end to `resources`, which closes the last one first.
 */
async function start(): Promise<void> {
  const settings = readStartSettings(env);
  await expectFree(settings.port, "PORT", settings.host);
  dataFolder = settings.dataFolder;
  const assemblyFolder = await makeDataFolder(dataFolder, "cdk.out");

  console.log("Starting the database and synthesizing the stack ...");
  // The engine comes first, because it fails if another `npm start` is using the same data.
  const engine = resources.use(await startEngine(settings));
  const signingKeys = await localSigningKeys(settings.signingKeys, dataFolder);
  const ending = new AbortController();
  const synthesized = synthesize(assemblyFolder, settings.stack, ending.signal);
  resources.defer(async () => {
    ending.abort();
    await synthesized.catch(() => {});
  });
  const app = interpretTemplate(await synthesized, assemblyFolder);

  const client = new DynamoDBClient(localClientConfig(engine.endpoint));
  resources.defer(() => client.destroy());
  await createMissingTables(client, app.tables);
  const licenses = { client: DynamoDBDocumentClient.from(client), tableName: localTableName };
  await createLicense(licenses, { licenseKey: demoKey, maxSessions: 100 }, Date.now());

  const history = openSync(historyFile(env), "a", 0o600);
  resources.defer(() => closeSync(history));
  const log = (line: string, level: LogLevel) => {
    logFunctionLine(line, level);
    writeSync(history, `${line}\n`);
  };
  const events = resources.use(
    await startEventBus((type, detail) =>
      log(JSON.stringify({ event: type, detail: JSON.parse(detail) }), "INFO"),
    ),
  );
  const functions = new Map(
    app.functions.map((spec) => {
      const environment = {
        ...functionEnvironment(spec, engine, events.endpoint),
        SIGNING_KEYS: signingKeys.text,
      };
      return [spec.id, resources.use(startFunction({ ...spec, environment, log }))];
    }),
  );
  await Promise.all([...functions.values()].map(({ loaded }) => loaded));
  const api = createApi(app.routes, functions, logFailure);
  for (const id of app.everyMinute)
    resources.use(startSchedule((event) => runScheduled(id, event)));
  const { host, port } = settings;
  const gateway = resources.use(
    await startGateway(api, { host, port, cors: app.cors, onResponse: logRequest }),
  );

  async function runScheduled(id: string, event: { time: string }): Promise<void> {
    const outcome = await functions.get(id)?.invoke(event, `schedule-${event.time}`);
    if (outcome && !outcome.answered)
      logFailure(`schedule-${event.time}`, `${id}: ${outcome.reason}`);
  }

  const address = `http://${host.includes(":") ? `[${host}]` : host}:${gateway.port}`;
  const data = settings.engineEndpoint === undefined ? `, data in ${dataFolder}` : "";
  const claim = JSON.stringify({
    license_key: demoKey,
    device_fingerprint: "my-laptop",
    run_id: randomUUID(),
    claim_number: 1,
  });
  if (!/^(127\.|localhost$|::1$)/.test(host)) {
    console.error(
      `Warning: with HOST ${host}, anyone who can reach this machine can use the service, and can read keys ` +
        "and answers on the way, because nothing is encrypted. Unset HOST to serve this machine alone.",
    );
  }
  console.log(`listening on ${address}`);
  console.log(
    `DynamoDB at ${engine.endpoint}${data}. Press Ctrl-C to stop. To make a first claim:`,
  );
  console.log(
    `  curl -X POST ${address}/api/validate-license -H 'content-type: application/json' -d '${claim}'`,
  );
  console.log(
    `Answers to requests with a nonce are signed. The public key for bots to pin: ${signingKeys.publicKeys.join(" ")}`,
  );
}
