import { describe } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import { startDynalite } from "../support/engines.ts";
import { describeEngine } from "./cases/engine.ts";

describe("on dynalite", () => describeEngine(engineForTests(startDynalite)));
