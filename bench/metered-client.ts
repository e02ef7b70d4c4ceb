import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";

const consumedSchema = z.object({
  ConsumedCapacity: z.object({ CapacityUnits: z.number().optional() }).optional(),
});

/** The calls to DynamoDB since the last `take`, and the capacity units that it reports for them. */
export type Meter = { take(): { calls: string[]; units: number } };

/** Makes the client request the consumed capacity of each call, and adds it up. */
export function meter(client: Pick<DynamoDBClient, "middlewareStack">): Meter {
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
  return {
    take() {
      const taken = { calls, units };
      calls = [];
      units = 0;
      return taken;
    },
  };
}
