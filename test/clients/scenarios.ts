import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const lengthSchema = z.union([z.int(), z.literal("for ever").transform(() => Infinity)]);

/**
 * What both clients must do when a scripted service answers so and so. Times are milliseconds from
 * the start of the scenario. `answer` names an example of `openapi.json`, which was really given.
 */
const scenarioSchema = z.strictObject({
  guarantee: z.string(),
  /** For what only one of the languages has. */
  clients: z.array(z.enum(["typescript", "python"])).default(["typescript", "python"]),
  options: z
    .strictObject({
      marginMs: z.int(),
      onlyIfFree: z.boolean(),
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
      drop: z.literal(true).optional(),
    }),
  ),
  /** Spans in which nothing of the client runs. */
  asleep: z.array(z.tuple([z.int(), z.int()])).default([]),
  /** When the wall clock moves on by so much more than the other one, which people don't set. */
  wallMovesOn: z.array(z.tuple([z.int(), z.int()])).default([]),
  does: z.array(z.tuple([z.int(), z.enum(["release", "abort"])])).default([]),
  opens: z.int().optional(),
  refused: z
    .strictObject({
      at: z.int(),
      error: z.string(),
      code: z.string().optional(),
      activeDevice: z.string().optional(),
      waitSeconds: z.int().optional(),
      field: z.string().optional(),
      problem: z.string().optional(),
      status: z.int().optional(),
    })
    .optional(),
  held: z.array(z.tuple([z.int(), z.boolean()])).default([]),
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
