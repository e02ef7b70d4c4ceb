import type { Settings } from "../../lambdas/routes/service.ts";

/** The settings of a service that is deployed without any. */
export const defaultSettings: Settings = {
  sessionTimeoutMs: 60_000,
  multiSymbolSessions: true,
  legacyBots: false,
  oneClock: false,
};
