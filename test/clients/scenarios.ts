import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const lengthSchema = z.union([z.int(), z.literal("for ever").transform(() => Infinity)]);

const textsSchema = z.array(z.string());

const clients = ["typescript", "python", "csharp"] as const;

/** As in `SessionRefused`; what is left out is not compared, because the examples may say more. */
const refusalSchema = z.strictObject({
  at: z.int(),
  error: z.string().optional(),
  available: z.boolean().optional(),
  code: z.string().optional(),
  activeDevice: z.string().optional(),
  waitSeconds: z.int().optional(),
  heldByThisDevice: z.boolean().optional(),
  holder: z.record(z.string(), z.unknown()).optional(),
  holderAsked: z.boolean().optional(),
  holderTold: z.boolean().optional(),
  holderKeeps: z.boolean().optional(),
  blocked: z.array(z.record(z.string(), z.unknown())).optional(),
  field: z.string().optional(),
  problem: z.string().optional(),
  status: z.int().optional(),
});

/**
 * What every client must do when a scripted service answers so and so. Times are milliseconds from
 * the start of the scenario. `answer` names an example of `openapi.json`, which was really given.
 */
const scenarioSchema = z.strictObject({
  guarantee: z.string(),
  /** For what only one of the languages has. */
  clients: z.array(z.enum(clients)).default([...clients]),
  /** What the program calls. */
  call: z.enum(["open", "check"]).default("open"),
  options: z
    .strictObject({
      marginMs: z.int(),
      onlyIfFree: z.boolean(),
      askHolder: z.boolean(),
      symbol: z.string(),
      symbols: textsSchema,
      requestTimeoutMs: z.int(),
      openWithinMs: lengthSchema,
      waitWithinMs: lengthSchema,
    })
    .partial()
    .default({}),
  /** What chance says each time. */
  random: z.number().default(0),
  report: z
    .strictObject({
      botVersion: z.string(),
      status: z.string(),
      metadata: z.record(z.string(), z.unknown()),
    })
    .optional(),
  /** The requests that must come, each at its instant, and what becomes of them. */
  server: z.array(
    z.strictObject({
      at: z.union([z.int(), z.array(z.int())]),
      ask: z.enum(["claim", "heartbeat", "release"]),
      sends: z.record(z.string(), z.unknown()).default({}),
      lacks: z.array(z.string()).default([]),
      after: z.int().default(0),
      answer: z
        .union([
          z.string(),
          z.strictObject({
            status: z.int(),
            body: z.unknown().optional(),
            headers: z.record(z.string(), z.string()).default({}),
          }),
        ])
        .optional(),
      with: z.record(z.string(), z.unknown()).default({}),
      fails: z.string().optional(),
      /** With `fails`: no other attempt can succeed either. */
      lasting: z.literal(true).optional(),
      drop: z.literal(true).optional(),
    }),
  ),
  /** Spans in which nothing of the client runs. */
  asleep: z.array(z.tuple([z.int(), z.int()])).default([]),
  /** When the wall clock moves on by so much more than the other one, which people don't set. */
  wallMovesOn: z.array(z.tuple([z.int(), z.int()])).default([]),
  /** A release may be one of some symbols. */
  does: z.array(z.tuple([z.int(), z.enum(["release", "abort", "keep"])], textsSchema)).default([]),
  opens: z.int().optional(),
  refused: refusalSchema.optional(),
  /** What a check says. */
  checked: refusalSchema.optional(),
  held: z.array(z.tuple([z.int(), z.boolean()])).default([]),
  /** Whether there is a right to a symbol. */
  holds: z.array(z.tuple([z.int(), z.string(), z.boolean()])).default([]),
  /** All symbols to which there is a right. */
  symbols: z.array(z.tuple([z.int(), textsSchema])).default([]),
  /** Symbols that are lost while the session goes on: which, by what code, and to whom. */
  lost: z.array(z.tuple([z.int(), z.string(), z.string(), z.string()])).default([]),
  /** Requests to release: by whom, how many seconds ago, and which symbols. */
  asked: z.array(z.tuple([z.int(), z.string(), z.number(), textsSchema])).default([]),
  releases: z.array(z.tuple([z.int(), z.string()])).optional(),
  /** Every status there is, or the last ones. */
  statuses: z.array(z.array(z.union([z.int(), z.string()]))),
  lastStatuses: z.int().optional(),
  endedBy: z.string().optional(),
});

export type Scenario = z.infer<typeof scenarioSchema>;

const folder = join(import.meta.dirname, "../../clients/scenarios");

/** The files of scenarios, each with a name. */
export const scenarioFiles = readdirSync(folder).map((file) => ({
  name: file.replace(".json", ""),
  scenarios: z
    .array(scenarioSchema)
    .parse(JSON.parse(readFileSync(join(folder, file), "utf8")))
    .filter(({ clients }) => clients.includes("typescript")),
}));
