import { randomBytes } from "node:crypto";
import * as z from "zod";
import {
  applyOperation,
  applyPlan,
  newOperation,
  type Plan,
  type Planned,
  planFor,
  questionOf,
  selectedLicenses,
} from "../commands/change-verb.ts";
import { planEnd } from "../commands/end-session.ts";
import { planExtension } from "../commands/extend.ts";
import { licenseCsv } from "../commands/list.ts";
import { giveNewKey, rekeyQuestion } from "../commands/rekey.ts";
import { isSelection } from "../commands/selection-options.ts";
import { planStatus, suspendQuestion } from "../commands/suspend-activate-cancel.ts";
import type { ChangeNote } from "../data/change-note.ts";
import { getLicense } from "../data/get-license.ts";
import { licenseHistory } from "../data/license-history.ts";
import { type LicenseItem, licenseView, standings } from "../data/license-item.ts";
import { licensePage } from "../data/license-page.ts";
import { historyText } from "../data/record-changes.ts";
import { isFoundBy } from "../data/search-licenses.ts";
import { isSelected } from "../data/select-licenses.ts";
import { serviceNow, serviceRefusals, serviceUsage } from "../data/whole-service.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { changedFacts, changeView } from "../terminal/print-change.ts";

/** What the console's questions and changes work on. */
export type ConsoleDesk = {
  table: OpenTable;
  context: Pick<CommandContext, "variables" | "now" | "stop">;
  allowChanges: boolean;
};

const idSchema = z.string().regex(/^[0-9a-f]{64}$/);
const instantSchema = z.number().int().nonnegative().max(253_402_300_799_999);
const pageSchema = z.object({ after: idSchema.optional(), limit: z.int().min(1).max(500) });

const selectionSchema = z.object({
  status: z.enum(standings).optional(),
  type: z.string().max(64).optional(),
  version: z.string().max(64).optional(),
  expiringWithin: z.int().min(1).max(36_500).optional(),
});
const periodSchema = z.object({ since: instantSchema, until: instantSchema.optional() });

/** A question, and the object that answers it: the same as the verb's with `--json`. */
export const questions = {
  /** What is looked at, and what may be done. */
  about: asking(z.object({}), async ({ table, allowChanges, context }) => ({
    table: table.place,
    allow_changes: allowChanges,
    history: historyText(table.history),
    now: context.now(),
  })),
  /** As `find TEXT`, a page at a time. */
  search: asking(
    pageSchema.extend({ text: z.string().trim().min(1).max(255) }),
    ({ table, context }, { text, ...page }) =>
      pageView(table, context, page, (license) => isFoundBy(license, text)),
  ),
  /** As `list`, a page at a time. */
  list: asking(pageSchema.extend(selectionSchema.shape), ({ table, context }, asked) =>
    pageView(table, context, asked, (license) => isSelected(license, asked, context.now())),
  ),
  /** As `list --csv`, a page at a time. */
  csv: asking(pageSchema.extend(selectionSchema.shape), async ({ table, context }, asked) => {
    const isWanted = (license: LicenseItem) => isSelected(license, asked, context.now());
    const { licenses, next } = await pageView(table, context, asked, isWanted);
    return { head: licenseCsv.head, lines: licenses.map(licenseCsv.line).join(""), next };
  }),
  /** As `show`. */
  license: asking(z.object({ id: idSchema }), async ({ table, context }, { id }) =>
    licenseView(await theLicense(table, id), context.now()),
  ),
  /** As `history`. */
  history: asking(
    periodSchema.extend({ id: idSchema }),
    async ({ table, context }, { id, since: sinceMs, until: untilMs }) =>
      licenseHistory(table, await theLicense(table, id), { sinceMs, untilMs }, context),
  ),
  /** As `now`. */
  now: asking(z.object({}), ({ table, context }) => serviceNow(table, context)),
  /** As `usage`. */
  usage: asking(periodSchema, ({ table, context }, { since: sinceMs, until: untilMs }) =>
    serviceUsage(table, { sinceMs, untilMs }, context),
  ),
  /** As `refusals`. */
  refusals: asking(periodSchema, ({ table, context }, { since: sinceMs, until: untilMs }) =>
    serviceRefusals(table, { sinceMs, untilMs }, context),
  ),
};

/** Parses what is asked, then answers. */
function asking<Asked, Answer>(
  schema: z.ZodType<Asked>,
  answer: (desk: ConsoleDesk, asked: Asked) => Promise<Answer>,
) {
  return {
    answer: (desk: ConsoleDesk, asked: unknown): Promise<Answer> =>
      answer(desk, readAs(schema, asked)),
  };
}

async function theLicense(table: OpenTable, id: string): Promise<LicenseItem> {
  const license = await getLicense(table, id);
  if (license) return license;
  throw new CommandError("No license has this id any more.");
}

async function pageView(
  table: OpenTable,
  { now, stop }: ConsoleDesk["context"],
  { after, limit }: z.infer<typeof pageSchema>,
  isWanted: (license: LicenseItem) => boolean,
) {
  const nowMs = now();
  const page = await licensePage(table, isWanted, { after, limit, stop });
  return { ...page, licenses: page.licenses.map((license) => licenseView(license, nowMs)) };
}

const reason = z
  .string()
  .trim()
  .regex(/^[^\p{C}]{1,100}$/u)
  .optional();
/** Of licenses that are chosen by what they are. */
const operationSchema = z.object({
  verb: z.literal("extend"),
  selection: selectionSchema,
  days: z.int().min(1).max(36_500),
});
const planSchema = z.discriminatedUnion("verb", [
  z.object({
    verb: z.literal("extend"),
    id: idSchema,
    days: z.int().min(1).max(36_500).optional(),
    until: z.union([instantSchema, z.literal("never")]).optional(),
  }),
  z.object({ verb: z.enum(["suspend", "activate"]), id: idSchema }),
  z.object({
    verb: z.literal("end-session"),
    id: idSchema,
    symbol: z.array(z.string()).min(1).optional(),
    all: z.literal(true).optional(),
    now: z.literal(true).optional(),
  }),
  z.object({ verb: z.literal("rekey"), id: idSchema }),
]);
type AskedPlan = z.infer<typeof planSchema>;

/** A change that was previewed and waits for its button. */
type WaitingPlan = {
  verb: AskedPlan["verb"];
  before: LicenseItem;
  /** Absent for a rekey. */
  plan?: Extract<Plan, { apply: unknown }>;
  atMs: number;
};

/** The same of several licenses. */
type WaitingOperation = { planned: readonly Planned[]; atMs: number };

const waitsForMs = 600_000;
const mostWaiting = 100;

/**
 * Changes in two steps, as a verb makes them: a plan by what was read, with its question, and then
 * the conditional write, which is refused if the license is no longer what was read.
 */
export function openChanges(desk: ConsoleDesk) {
  const waiting = new Map<string, WaitingPlan | WaitingOperation>();
  const { table, context } = desk;

  return {
    /** What would be done, and what it asks; `plan` is absent if there is nothing to do. */
    async preview(body: unknown) {
      expectAllowed();
      const operation = operationSchema.safeParse(body);
      if (operation.success) return previewOperation(operation.data);
      const asked = readAs(planSchema, body);
      const before = await theLicense(table, asked.id);
      const nowMs = context.now();
      const plan = planFor({ plan: planAsked }, before, asked, nowMs);
      if (plan && ("refusal" in plan || "alreadySo" in plan)) {
        const text = "refusal" in plan ? `Nothing can be done: ${plan.refusal}` : plan.alreadySo;
        return { plan: null, question: text, facts: [] };
      }
      const id = keep({ verb: asked.verb, before, ...(plan && { plan }), atMs: nowMs });
      const after = plan?.becomes;
      return {
        plan: id,
        question: plan ? (plan.question ?? null) : rekeyQuestion(before),
        facts: after ? changedFacts({ before, after, nowMs }) : [],
      };
    },

    /**
     * Does what was previewed, once.
     *
     * @param send sends an object to the page, and resolves when it is on its way
     */
    async apply(body: unknown, send: (view: unknown) => Promise<void>): Promise<void> {
      expectAllowed();
      const asked = readAs(z.object({ plan: z.string(), reason }), body);
      const waits = waiting.get(asked.plan);
      waiting.delete(asked.plan);
      if (!waits || waits.atMs < context.now() - waitsForMs) {
        throw new CommandError("Nothing was done: look at the preview again, it is too old.");
      }
      const note: ChangeNote = {
        by: await table.operator(),
        atMs: context.now(),
        reason: asked.reason,
      };
      const warnings: string[] = [];
      const messages = { isTTY: false, write: (text: string) => warnings.push(text), status() {} };
      const around = { variables: context.variables, messages };
      if ("planned" in waits) {
        const write = (line: string) => void send({ progress: line }).catch(() => {});
        const progress = { ...context, messages: { ...messages, write } };
        const operation = newOperation();
        // What the verb prints of each license is in the history.
        const print = async () => {};
        const { planned } = waits;
        await applyOperation(table, planned, "extend", { ...note, operation }, progress, print);
        await send({ message: `Done: operation ${operation}.`, warnings: [] });
        return;
      }
      const { verb, before, plan } = waits;
      if (plan) {
        const change = await applyPlan(table, { before, plan }, verb, note, around);
        await send({ ...changeView(change), warnings });
      } else {
        await giveNewKey(table, before, note, around, send);
        await send({ done: true, warnings });
      }
    },
  };

  function expectAllowed(): void {
    if (desk.allowChanges) return;
    throw new CommandError("This console only reads: start it with --allow-changes.");
  }

  async function previewOperation({ verb, selection, days }: z.infer<typeof operationSchema>) {
    if (!isSelection(selection)) {
      throw new CommandError(
        "Choose licenses by what they are: all of them can't be extended at once.",
      );
    }
    const nowMs = context.now();
    const messages = { isTTY: false, write() {}, status() {} };
    const chosen = await selectedLicenses(table, selection, { ...context, messages });
    const planned = chosen.map((before) => ({
      before,
      plan: planExtension(before, { days }, nowMs),
    }));
    const changing = planned.some(({ plan }) => "apply" in plan);
    return {
      plan: changing ? keep({ planned, atMs: nowMs }) : null,
      question: questionOf(planned, verb, true),
      facts: [],
    };
  }

  function keep(plan: WaitingPlan | WaitingOperation): string {
    const id = randomBytes(16).toString("hex");
    waiting.set(id, plan);
    const [oldest] = waiting.keys();
    if (waiting.size > mostWaiting && oldest !== undefined) waiting.delete(oldest);
    return id;
  }
}

/** The plan of the verb; `undefined` for a rekey, which has none. */
function planAsked(license: LicenseItem, asked: AskedPlan, nowMs: number): Plan | undefined {
  switch (asked.verb) {
    case "extend":
      return planExtension(license, asked, nowMs);
    case "suspend":
      return planStatus(license, "suspended", suspendQuestion);
    case "activate":
      return planStatus(license, "active");
    case "end-session":
      return planEnd(license, asked, nowMs);
    case "rekey":
      return undefined;
  }
}

function readAs<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path }) => path.join("."));
  throw new CommandError(`The request can't be read: ${fields.join(", ")}.`);
}
