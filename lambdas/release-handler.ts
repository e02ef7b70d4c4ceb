import { serviceFromEnvironment } from "./environment.ts";
import { releaseHandler } from "./routes/release-route.ts";

export const handler = releaseHandler(serviceFromEnvironment());
