import { describe, test } from "vitest";
import { scaled } from "./case-counts.ts";
import { describeHistories } from "./histories.ts";
import { dynamoDbLocalForProof, hasDynamoDbLocal } from "./proof-engine.ts";

if (hasDynamoDbLocal()) {
  const size = { histories: scaled(20, 4_000), lanes: 4, seedOffset: 2000 };
  describeHistories("DynamoDB Local", dynamoDbLocalForProof, size);
} else {
  describe("on DynamoDB Local", () => {
    test.skip("needs Java 17", () => {});
  });
}
