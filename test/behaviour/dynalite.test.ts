import { startDynalite } from "../support/engines.ts";
import { describeBehaviour } from "./behaviour.ts";
import { describeRulesWithoutException } from "./rules-without-exception.ts";

describeBehaviour("dynalite", startDynalite);
describeRulesWithoutException("dynalite", startDynalite);
