import { serviceFromEnvironment } from "./environment.ts";
import { heartbeatHandler } from "./routes/heartbeat-route.ts";

export const handler = heartbeatHandler(serviceFromEnvironment());
