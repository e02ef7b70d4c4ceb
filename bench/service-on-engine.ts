import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Service } from "../lambdas/routes/service.ts";
import { openTable } from "../lambdas/store/table.ts";
import { createLicense, type NewLicense } from "../ops/data/create-license.ts";
import { defaultSettings } from "../test/support/default-settings.ts";
import { clientFor, type Engine } from "../test/support/engines.ts";
import { type Meter, meter } from "./metered-client.ts";

/** The service, as the functions run it, on an engine, with its calls metered. */
export function serviceOn(
  { endpoint, tableName }: Engine,
  sessionTimeoutMs = 60_000,
): {
  service: Service;
  meter: Meter;
  addLicense(license: NewLicense): Promise<void>;
} {
  const client = clientFor(endpoint);
  const documents = DynamoDBDocumentClient.from(clientFor(endpoint));
  const settings = { ...defaultSettings, sessionTimeoutMs };
  return {
    service: { settings, table: openTable({ client, tableName }), now: Date.now },
    meter: meter(client),
    async addLicense(license) {
      await createLicense({ client: documents, tableName }, license, Date.now());
    },
  };
}
