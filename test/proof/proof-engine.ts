import { spawnSync } from "node:child_process";
import { env } from "node:process";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { License } from "../../lambdas/rules/license.ts";
import { clientFor, startDynamoDbLocal } from "../support/engines.ts";
import { openInProcessDynalite } from "../support/in-process-dynalite.ts";

/** An engine, and a look at every reply it gives. */
export type ProofEngine = {
  /** What the tests write and look with. */
  client: DynamoDBDocumentClient;
  /** What the functions go through, watched. It may be the same. */
  functionsClient: Pick<DynamoDBClient, "send" | "middlewareStack">;
  tableName: string;
  askForRefusedItem: boolean;
  /** The item of each license as the latest reply of the engine showed it. */
  shown: Map<string, License | undefined>;
  /**
   * Called before a request for a license is sent and before its reply is delivered, to delay it.
   */
  paces: Map<string, () => Promise<void>>;
  stop(): Promise<void>;
};

export async function dynaliteForProof(): Promise<ProofEngine> {
  const engine = await openInProcessDynalite();
  return watched({ ...engine, functionsClient: engine.client });
}

export async function dynamoDbLocalForProof(): Promise<ProofEngine> {
  const engine = await startDynamoDbLocal();
  const client = DynamoDBDocumentClient.from(clientFor(engine.endpoint));
  return watched({ ...engine, client, functionsClient: client });
}

/** Without Java there is no DynamoDB Local; in CI that is a failure. */
export function hasDynamoDbLocal(): boolean {
  return env.CI !== undefined || spawnSync("java", ["-version"]).status === 0;
}

export function watched(engine: Omit<ProofEngine, "shown" | "paces">): ProofEngine {
  const shown: ProofEngine["shown"] = new Map();
  const paces: ProofEngine["paces"] = new Map();
  engine.functionsClient.middlewareStack.add(
    (next) => async (args) => {
      const id = licenseIdIn(args.input);
      const pace = paces.get(id);
      await pace?.();
      try {
        const result = await next(args);
        shown.set(id, licenseIn(result.output));
        return result;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException && error.Item) {
          shown.set(id, asLicense(error.Item));
        }
        throw error;
      } finally {
        await pace?.();
      }
    },
    { step: "initialize", priority: "high" },
  );
  return { ...engine, shown, paces };
}

function licenseIdIn(input: object): string {
  const key = "Key" in input ? input.Key : "Item" in input ? input.Item : undefined;
  return asLicense(key)?.license_id ?? "";
}

function licenseIn(output: object): License | undefined {
  if ("Attributes" in output) return asLicense(output.Attributes);
  return "Item" in output ? asLicense(output.Item) : undefined;
}

/**
 * The item as it is: the model is compared with it, so it must not be parsed into shape first. The
 * functions get attribute values, the tests go through the document client.
 */
function asLicense(item: unknown): License | undefined {
  const isMarshalled = typeof (item as { license_id?: unknown })?.license_id === "object";
  return (isMarshalled ? unmarshall(item as Record<string, AttributeValue>) : item) as
    | License
    | undefined;
}
