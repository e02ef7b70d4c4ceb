import { describe, test } from "vitest";
import { dynamoDbLocalForProof, hasDynamoDbLocal } from "./proof-engine.ts";
import { describeRaces } from "./races.ts";
import { howMany } from "./scale.ts";

if (hasDynamoDbLocal()) {
  describeRaces("DynamoDB Local", dynamoDbLocalForProof, howMany(10, 1_000));
} else {
  describe("on DynamoDB Local", () => {
    test.skip("needs Java 17", () => {});
  });
}
