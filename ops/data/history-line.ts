import * as z from "zod";

/** A line that a function or this command has logged about one license. */
export type HistoryLine = z.infer<typeof lineSchema> & { atMs: number };

export type Taken = z.infer<typeof takenSchema>;

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

/** What stood for a symbol before a claim. */
const takenSchema = z.object({
  symbol: text,
  ...device,
  session_id: optionalText,
  last_heartbeat: z.number().optional().catch(undefined),
  state: z.enum(["live", "lapsed", "contested", "released", "ended"]).optional().catch(undefined),
});

const lineSchema = z.union([
  z.object({
    event: z.literal("session_claimed"),
    ...common,
    session_id: text,
    fencing_token: z.number().catch(0),
    bot_version: optionalText,
    /** Older lines have the id of an earlier session of the same device. */
    replaced: z
      .union([z.array(takenSchema), z.string()])
      .optional()
      .catch(undefined),
    displaced: z.array(takenSchema).catch([]),
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
  }),
  /** A refused claim has asked the holders to release. */
  z.object({
    event: z.literal("holder_asked"),
    ...common,
    holders: z.array(takenSchema).catch([]),
  }),
  /** The holder has answered that it keeps the session. */
  z.object({ event: z.literal("session_kept"), ...common, asked_by: optionalText }),
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

/** The symbols that a line is about; `*` for a bot that names none. */
export function symbolsOf(line: {
  symbol?: string | null | undefined;
  symbols?: string[] | undefined;
}): string[] {
  return line.symbols ?? [line.symbol ?? "*"];
}

/** Identifies a device in the lines, as far as they tell devices apart. */
export function deviceIdOf(line: { device: string; device_hash?: string | undefined }): string {
  return `${line.device}/${line.device_hash ?? ""}`;
}

/** A request that the service could not answer, in contrast to one that it refused. */
export function isFailure(code: string): boolean {
  return code === "internal_error";
}
