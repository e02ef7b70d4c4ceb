import { describe, test } from "vitest";
import { scaled } from "./case-counts.ts";
import { dynamoDbLocalForProof, hasDynamoDbLocal } from "./proof-engine.ts";
import { describeRaces } from "./races.ts";

if (hasDynamoDbLocal()) {
  describeRaces("DynamoDB Local", dynamoDbLocalForProof, scaled(10, 1_000));
} else {
  describe("on DynamoDB Local", () => {
    test.skip("needs Java 17", () => {});
  });
}
