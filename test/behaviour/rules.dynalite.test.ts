import { startDynalite } from "../support/engines.ts";
import { describeEdgeCases } from "./edge-cases.ts";
import { describeLegacyBots } from "./legacy-bots.ts";
import { describeRoutes } from "./routes.ts";

describeRoutes("dynalite", startDynalite);
describeEdgeCases("dynalite", startDynalite);
describeLegacyBots("dynalite", startDynalite);
