import type { Service } from "../../lambdas/routes/service.ts";

/** The settings of a service that is deployed without any. */
export const defaultSettings: Service["settings"] = {
  tableName: "Sessions",
  sessionTimeoutMs: 60_000,
  multiSymbolSessions: true,
  legacyBots: false,
  askForRefusedItem: false,
};
