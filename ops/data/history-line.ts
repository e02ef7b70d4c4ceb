import * as z from "zod";

/** A line that a function or this command has logged about one license. */
export type HistoryLine = z.infer<typeof lineSchema> & { atMs: number };

export type ClaimedLine = Extract<HistoryLine, { event: "session_claimed" }>;

const text = z.string().catch("");
const optionalText = z.string().optional().catch(undefined);
const symbol = z.string().nullish().catch(null);

/** `device_hash` tells devices apart whose masked names are the same. Older lines lack it. */
const device = { device: text, device_hash: optionalText };

const common = {
  license_id: z.string(),
  ...device,
  symbol,
  symbols: z.array(z.string()).optional().catch(undefined),
};

/** What a claim found in its place: a session of the same device, or one that had lapsed. */
const takenSchema = z.object({
  ...device,
  session_id: optionalText,
  last_heartbeat: z.number().optional().catch(undefined),
  state: z.enum(["live", "lapsed", "contested", "released", "ended"]).optional().catch(undefined),
});

const takenFromSchema = z.object({ symbol: text, ...takenSchema.shape });

/** What a claim replaced or displaced. */
export type Taken = z.infer<typeof takenFromSchema>;

const lineSchema = z.union([
  z.object({
    event: z.literal("session_claimed"),
    ...common,
    session_id: text,
    fencing_token: z.number().catch(0),
    bot_version: optionalText,
    /** Older lines have the id of an earlier session of the same device. */
    replaced: z
      .union([z.array(takenFromSchema), z.string()])
      .optional()
      .catch(undefined),
    displaced: z.array(takenFromSchema).catch([]),
  }),
  /** A refused claim has left a note with the holders. */
  z.object({
    event: z.literal("holder_asked"),
    ...common,
    holders: z.array(takenFromSchema).catch([]),
  }),
  /** A heartbeat's answer told the holder of it; the holder keeps the session. */
  z.object({
    event: z.literal(["holder_told", "session_kept"]),
    ...common,
    session_id: text,
    asked_by: optionalText,
  }),
  /** Once a UTC day for each session that is renewed. */
  z.object({
    event: z.literal("session_active"),
    ...common,
    session_id: text,
    bot_version: optionalText,
  }),
  z.object({
    event: z.literal("session_released"),
    ...common,
    session_id: optionalText,
    free_in_seconds: z.number().catch(0),
    asked_by: optionalText,
  }),
  z.object({
    event: z.literal("license_changed"),
    license_id: z.string(),
    verb: text,
    by: text,
    reason: optionalText,
    changes: z.array(z.string()).catch([]),
    /** Symbols whose sessions the change has ended. */
    sessions_ended: z.array(z.string()).optional().catch(undefined),
    operation: optionalText,
    /** Of a rekey: the id of the same license under its earlier or its later key. */
    previous_license_id: optionalText,
    next_license_id: optionalText,
  }),
  /** A request that was refused or failed. */
  z.object({ code: z.string(), ...common }),
]);

/** `atMs`: when it was logged, if the source says so besides the line itself. */
export type LoggedLine = { line: string; atMs?: number | undefined };

/** @returns `undefined` if the line is not part of the history */
export function readHistoryLine({ line, atMs }: LoggedLine): HistoryLine | undefined {
  let logged: Record<string, unknown>;
  try {
    logged = Object(JSON.parse(line));
  } catch {
    return undefined;
  }
  // Lambda's JSON log format puts what a function logs under `message`.
  const body = typeof logged.message === "object" ? logged.message : logged;
  const result = lineSchema.safeParse(body);
  const loggedAtMs = atMs ?? Date.parse(String(logged.timestamp ?? logged.time));
  if (!result.success || Number.isNaN(loggedAtMs)) return undefined;
  return { ...result.data, atMs: loggedAtMs };
}
