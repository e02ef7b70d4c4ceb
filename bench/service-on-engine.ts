import { spawnSync } from "node:child_process";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Service } from "../lambdas/routes/service.ts";
import { openTable } from "../lambdas/store/table.ts";
import { createLicense, type NewLicense } from "../ops/data/create-license.ts";
import { defaultSettings } from "../test/support/default-settings.ts";
import { clientFor, startDynalite, startDynamoDbLocal } from "../test/support/engines.ts";

const consumedSchema = z.object({
  ConsumedCapacity: z.object({ CapacityUnits: z.number().optional() }).optional(),
});

/**
 * The service, as the functions run it, on DynamoDB Local where there is Java, else on dynalite: the
 * engines of the tests.
 */
export async function startServiceOnEngine() {
  const hasJava = spawnSync("java", ["-version"]).status === 0;
  const { endpoint, tableName, stop } = await (hasJava ? startDynamoDbLocal() : startDynalite());
  const client = clientFor(endpoint);
  const documents = DynamoDBDocumentClient.from(clientFor(endpoint));
  let calls: string[] = [];
  let units = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      calls.push(String(context.commandName).replace(/(Item)?Command$/, ""));
      const result = await next({
        ...args,
        input: { ...args.input, ReturnConsumedCapacity: "TOTAL" },
      });
      const { ConsumedCapacity: consumed } = consumedSchema.parse(result.output);
      units += consumed?.CapacityUnits ?? 0;
      return result;
    },
    { step: "initialize" },
  );
  const service: Service = {
    settings: defaultSettings,
    table: openTable({ client, tableName }),
    now: Date.now,
  };
  return {
    engine: hasJava ? "DynamoDB Local, in memory" : "dynalite, in memory",
    service,
    endpoint,
    tableName,
    async addLicense(license: NewLicense) {
      await createLicense({ client: documents, tableName }, license, Date.now());
    },
    /** The calls since the last time, and the capacity units that DynamoDB reports for them. */
    take() {
      const taken = { calls, units };
      calls = [];
      units = 0;
      return taken;
    },
    [Symbol.asyncDispose]: stop,
  };
}
