import { spawnSync } from "node:child_process";
import { describe, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import { startDynamoDbLocal } from "../support/engines.ts";
import { describeAskHolder } from "./cases/ask-holder.ts";
import { describeClaims } from "./cases/claims.ts";
import { describeCostOfSymbols } from "./cases/cost-of-symbols.ts";
import { describeEngine } from "./cases/engine.ts";
import { describeLargestItem } from "./cases/largest-item.ts";
import { describeLegacyBots } from "./cases/legacy-bots.ts";
import { describeRecordedItems } from "./cases/recorded-items.ts";
import { describeRoutes } from "./cases/routes.ts";
import { describeSeats } from "./cases/seats.ts";
import { describeSessions } from "./cases/sessions.ts";
import { describeSeveralSymbols } from "./cases/several-symbols.ts";

const java = spawnSync("java", ["-version"]);

describe("on DynamoDB Local", () => {
  if (java.status !== 0 && !process.env.CI) {
    test.skip("some 320 tests, which need Java 17: without it only cases/engine.ts runs", () => {});
    return;
  }
  const engine = engineForTests(startDynamoDbLocal);
  describeEngine(engine);
  describeRoutes(engine);
  describeClaims(engine);
  describeSessions(engine);
  describeSeats(engine);
  describeSeveralSymbols(engine);
  describeAskHolder(engine);
  describeLegacyBots(engine);
  describeRecordedItems(engine);
  describeCostOfSymbols(engine);
  describeLargestItem(engine);
});
