import * as z from "zod/mini";
import type { Path } from "./predicate.ts";

// One schema each for all attributes of a type: each one made is paid for at every cold start.
const text = z.string();
const optionalText = z.optional(text);
const optionalNumber = z.optional(z.number());
const instant = z.int();
const optionalInstant = z.optional(instant);
const optionalFlag = z.optional(z.boolean());
const reported = z.catch(optionalText, undefined);

/** What a bot reports about itself, as it is stored. */
export const reportSchema = z.object({
  /** As last reported. */
  bot_version: reported,
  /** The `status` that was last reported. */
  bot_status: reported,
  /** The JSON text exactly as the bot sent it. */
  metadata: reported,
});

/** Fields that a bot leaves out of a report keep their stored value. */
export type StoredReport = z.infer<typeof reportSchema>;

/** The timeout of the entries that have no `lapses_at`: the version that wrote them had only this. */
const timeoutOfOldestMs = 60_000;

/** A session of one symbol or of several. Times are epoch milliseconds. */
const storedSession = z.object({
  /** The device that holds it. */
  device_fingerprint: text,
  /** The id that the service gave it; for several symbols, it has their key in it. */
  session_id: text,
  /** The order of the grant. Entries of earlier versions have none. */
  fencing_token: optionalNumber,
  /** The run of the program that claimed the session. */
  run_id: optionalText,
  /** Which of the openings of that run. */
  claim_number: optionalNumber,
  /** A heartbeat came with the `session_id`. */
  confirmed: optionalFlag,
  /** A heartbeat came without it. */
  renewed: optionalFlag,
  /** When it was claimed. */
  started_at: instant,
  /** The timer. It never runs backwards. */
  last_heartbeat: instant,
  /** The timeout in force at the claim. Entries of earlier versions have none. */
  lease_ms: optionalInstant,
  /** `last_heartbeat` plus `lease_ms`. */
  lapses_at: optionalInstant,
  /** Until then a process of the same device that the claim replaced may believe that it holds. */
  contested_until: optionalInstant,
  /** The run whose entry of this device the claim took: its late attempts are no new claim. */
  replaced_run: optionalText,
  /** The last opening of that run which is over. */
  replaced_number: optionalNumber,
  /** The note of the device that asked for it first. A `keep` removes it. */
  asked: z.catch(
    z.optional(
      z.object({
        device: text,
        at: z.number(),
        until: z.number(),
        met: z.number(),
        symbols: z.optional(z.array(text)),
      }),
    ),
    undefined,
  ),
  /** The holder has answered `keep`: until then nobody can ask again. */
  kept_until: optionalNumber,
  /** Two copies of a legacy bot may use it. */
  shared: optionalFlag,
  /** A legacy bot released it without naming it. */
  left: optionalFlag,
  ...reportSchema.shape,
});

export const sessionSchema = z.pipe(storedSession, z.transform(asSession));

function asSession(stored: z.infer<typeof storedSession>) {
  const lapses_at = stored.lapses_at ?? stored.last_heartbeat + timeoutOfOldestMs;
  return { ...stored, kind: "session" as const, lapses_at };
}

/**
 * What a heartbeat or a release does not check has a default, the cautious one. Otherwise either
 * could be applied to an entry edited by hand, and its result could then not be read.
 */
const ifUnreadable: Partial<z.infer<typeof storedSession>> = {
  fencing_token: undefined,
  run_id: undefined,
  claim_number: undefined,
  confirmed: true,
  renewed: true,
  started_at: 0,
  lease_ms: undefined,
  contested_until: Number.NaN,
  replaced_run: undefined,
  replaced_number: undefined,
  kept_until: undefined,
  shared: true,
  left: true,
};

/** Made when it is first needed: it costs time, and hardly any entry needs it. */
const editedSchema = z.lazy(() => {
  const shape: Record<string, z.ZodMiniType> = storedSession.shape;
  const lenient = Object.entries(shape).map(([name, schema]) => [
    name,
    name in ifUnreadable ? z.catch(schema, Reflect.get(ifUnreadable, name)) : schema,
  ]);
  return z.pipe(
    z.object(Object.fromEntries(lenient)) as unknown as typeof storedSession,
    z.transform((stored) => {
      const session = asSession(stored);
      return Number.isNaN(stored.contested_until)
        ? { ...session, contested_until: session.lapses_at }
        : session;
    }),
  );
});

/**
 * Nobody holds the symbol, but until `lapses_at` the device that held it may believe that it does,
 * so only that device may claim. No heartbeat revives it.
 */
export const vacancySchema = z.pipe(
  z.object({
    /** The device that held it. */
    vacated_by: text,
    /** The session that is over. Late attempts of it are no new claim. */
    vacated_session_id: optionalText,
    /** The run of that session. */
    run_id: optionalText,
    /** The opening of that session. */
    claim_number: optionalNumber,
    /** How long, after `ended_at`, an attempt of that opening is answered `session_ended`. */
    lease_ms: optionalInstant,
    /** Until then only that device may claim. */
    lapses_at: instant,
    /** When an operator ended it. */
    ended_at: optionalNumber,
    /** What earlier versions wrote instead of `ended_at`. */
    ended: optionalFlag,
  }),
  z.transform(({ ended, ...stored }) => ({
    ...stored,
    ...(ended && stored.ended_at === undefined && { ended_at: 0 }),
    kind: "vacancy" as const,
  })),
);

/** The symbol belongs to the session of several symbols, or the vacancy, at this key of `portfolios`. */
const memberSchema = z.pipe(
  text,
  z.transform((portfolioKey) => ({ portfolioKey, kind: "member" as const })),
);

/** No version wrote this. It never lapses; `end-session` removes it. */
const unreadable = { kind: "unreadable", lapses_at: Number.POSITIVE_INFINITY } as const;
const unreadableSchema = z.pipe(
  z.unknown(),
  z.transform(() => unreadable),
);

export const entrySchema = z.union([
  sessionSchema,
  vacancySchema,
  memberSchema,
  editedSchema,
  unreadableSchema,
]);
export const portfolioSchema = z.union([
  sessionSchema,
  vacancySchema,
  editedSchema,
  unreadableSchema,
]);

export type Session = z.infer<typeof sessionSchema>;
export type Vacancy = z.infer<typeof vacancySchema>;
export type Entry = z.infer<typeof entrySchema>;
/** What stands for a symbol once members are followed. */
export type ResolvedEntry = z.infer<typeof portfolioSchema>;
/** An entry without what is added when it is read. */
export type Stored<Read> = Omit<Read, "kind">;

/** The entry of a bot that names no symbol. It can't be requested: `*` is no valid symbol. */
export const noSymbol = "*";

export function sessionPath(symbol: string): Path {
  return ["sessions", symbol];
}

export function portfolioPath(key: string): Path {
  return ["portfolios", key];
}

/** The length of the lease, milliseconds. */
export function leaseMs({ lease_ms, last_heartbeat, lapses_at }: Session): number {
  return lease_ms ?? lapses_at - last_heartbeat;
}

/** The device that holds the entry, or that held it last. */
export function deviceOf(entry: ResolvedEntry): string | undefined {
  switch (entry.kind) {
    case "session":
      return entry.device_fingerprint;
    case "vacancy":
      return entry.vacated_by;
    case "unreadable":
      return undefined;
  }
}

/**
 * When another device may claim the entry, epoch milliseconds: once its lease is over, and so are
 * the leases of all processes that it replaced.
 */
export function freeAtMs(entry: ResolvedEntry): number {
  const contestedUntilMs = entry.kind === "session" ? (entry.contested_until ?? 0) : 0;
  return Math.max(entry.lapses_at, contestedUntilMs);
}

/** Seconds until another device may claim the entry; rounded up, never negative. */
export function secondsUntilFree(entry: ResolvedEntry, nowMs: number): number {
  return secondsUntil(freeAtMs(entry), nowMs);
}

/** Rounded up, never negative. */
export function secondsUntil(instantMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((instantMs - nowMs) / 1000));
}
