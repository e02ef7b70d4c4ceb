import { spawnSync } from "node:child_process";
import { describe, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import { startDynamoDbLocal } from "../support/engines.ts";
import { describeAskHolder } from "./ask-holder.ts";
import { describeClaims } from "./claims.ts";
import { describeCostOfSymbols } from "./cost-of-symbols.ts";
import { describeEngine } from "./engine.ts";
import { describeLargestItem } from "./largest-item.ts";
import { describeLegacyBots } from "./legacy-bots.ts";
import { describeRecordedItems } from "./recorded-items.ts";
import { describeRoutes } from "./routes.ts";
import { describeSeats } from "./seats.ts";
import { describeSessions } from "./sessions.ts";
import { describeSeveralSymbols } from "./several-symbols.ts";

const java = spawnSync("java", ["-version"]);

describe("on DynamoDB Local", () => {
  if (java.status !== 0 && !process.env.CI) {
    test.skip("needs Java 17", () => {});
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
