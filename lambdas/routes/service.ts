import type { Edge } from "../http/handle-request.ts";
import type { SessionTable } from "../store/table.ts";

/** What a route depends on. Tests supply their own clock and table. */
export type Service = Edge & { settings: Settings; table: SessionTable };

export type Settings = {
  /** Of a license that has none of its own. */
  sessionTimeoutMs: number;
  multiSymbolSessions: boolean;
  legacyBots: boolean;
  oneClock: boolean;
};
