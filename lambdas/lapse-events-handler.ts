import { env } from "node:process";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { fromEnv } from "@aws-sdk/credential-provider-env";
import * as z from "zod/mini";
import { lapseReporter } from "./lapses/report-lapses.ts";

const name = z.string().check(z.minLength(1));

const { TABLE_NAME, EVENT_BUS_NAME } = z
  .object({ TABLE_NAME: name, EVENT_BUS_NAME: name })
  .parse(env);

export const handler = lapseReporter({
  tables: new DynamoDBClient({ credentials: fromEnv() }),
  events: new EventBridgeClient({ credentials: fromEnv() }),
  tableName: TABLE_NAME,
  eventBusName: EVENT_BUS_NAME,
});
