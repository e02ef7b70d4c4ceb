import { spawnSync } from "node:child_process";
import { describe, test } from "vitest";
import { startDynamoDbLocal } from "../support/engines.ts";
import { describeEdgeCases } from "./edge-cases.ts";
import { describeLegacyBots } from "./legacy-bots.ts";
import { describeRoutes } from "./routes.ts";

const java = spawnSync("java", ["-version"]);

if (java.status === 0 || process.env.CI) {
  describeRoutes("DynamoDB Local", startDynamoDbLocal);
  describeEdgeCases("DynamoDB Local", startDynamoDbLocal);
  describeLegacyBots("DynamoDB Local", startDynamoDbLocal);
} else {
  describe("on DynamoDB Local", () => {
    test.skip("needs Java 17", () => {});
  });
}
