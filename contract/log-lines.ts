/**
 * What the functions log, and what metrics, alarms and `license history` read. Only types: the
 * functions write them, and nothing of this is bundled.
 */

/** Who asked: in every line of a request that could be read. */
export type WhoAsked = {
  license_id: string;
  /** The beginning of its fingerprint. */
  device: string;
  /** Ten hex digits, which tell devices apart that begin alike. */
  device_hash: string;
  symbol?: string | undefined;
  symbols?: readonly string[] | undefined;
};

/** What stood for a symbol before a claim. */
export type StoodBefore = {
  symbol: string;
  device: string;
  device_hash: string;
  session_id?: string | undefined;
  /** Epoch milliseconds. */
  last_heartbeat?: number | undefined;
  state: "live" | "lapsed" | "contested" | "released" | "ended";
};

/** A line of the history. It has no `code`: only refusals and failures have one. */
export type HistoryEvent =
  | {
      event: "session_claimed";
      session_id: string;
      fencing_token: number;
      replaced?: readonly StoodBefore[];
      displaced?: readonly StoodBefore[];
    }
  | {
      event: "session_released";
      session_id?: string | undefined;
      free_in_seconds: number;
      /** The device that had asked for it. */
      asked_by?: string;
    }
  /** A refused claim has left a note with the holders. */
  | { event: "holder_asked"; holders: readonly StoodBefore[] }
  /** The first heartbeat's answer that carries the note. */
  | { event: "holder_told"; session_id: string; asked_by: string }
  /** The holder has answered that it keeps the session. */
  | { event: "session_kept"; session_id: string; asked_by?: string | undefined }
  /** Once for each session and UTC day, at a second of the day drawn from the `session_id`. */
  | { event: "session_active"; session_id: string; bot_version?: string | undefined }
  /** A sample of the heartbeats of bots that name no session: it stands for `weight` of them. */
  | { event: "legacy_heartbeat"; legacy: true; weight: number };

/** A refusal or a failure. */
export type RefusalLine = {
  code: string;
  status: number;
  request_id: string;
  /** The field of a 400. */
  field?: string;
  error?: Record<string, unknown>;
} & Partial<WhoAsked>;
