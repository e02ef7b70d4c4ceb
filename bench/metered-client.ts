import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";

const consumedSchema = z.object({
  ConsumedCapacity: z.object({ CapacityUnits: z.number().optional() }).optional(),
});

/** What DynamoDB was asked since the last `take`, and what it says it would charge. */
export type Meter = { take(): { calls: string[]; units: number } };

/** Makes the client ask for the capacity that each of its calls consumes, and counts it. */
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
