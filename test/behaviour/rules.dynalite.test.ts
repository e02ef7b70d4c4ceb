import { startDynalite } from "../support/engines.ts";
import { describeBehaviour } from "./behaviour.ts";
import { describeLegacyBots } from "./legacy-bots.ts";
import { describeRulesWithoutException } from "./rules-without-exception.ts";

describeBehaviour("dynalite", startDynalite);
describeRulesWithoutException("dynalite", startDynalite);
describeLegacyBots("dynalite", startDynalite);
