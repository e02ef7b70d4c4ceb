import { spawnSync } from "node:child_process";
import { describe, test } from "vitest";
import { startDynamoDbLocal } from "../support/engines.ts";
import { describeBehaviour } from "./behaviour.ts";
import { describeLegacyBots } from "./legacy-bots.ts";
import { describeRulesWithoutException } from "./rules-without-exception.ts";

const java = spawnSync("java", ["-version"]);

if (java.status === 0 || process.env.CI) {
  describeBehaviour("DynamoDB Local", startDynamoDbLocal);
  describeRulesWithoutException("DynamoDB Local", startDynamoDbLocal);
  describeLegacyBots("DynamoDB Local", startDynamoDbLocal);
} else {
  describe("on DynamoDB Local", () => {
    test.skip("needs Java 17", () => {});
  });
}
