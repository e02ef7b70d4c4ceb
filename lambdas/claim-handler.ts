import { serviceFromEnvironment } from "./environment.ts";
import { claimHandler } from "./routes/claim-route.ts";

export const handler = claimHandler(serviceFromEnvironment());
