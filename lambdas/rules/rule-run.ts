import type { License } from "./license.ts";
import { absent, and, equal, holds, type Path, type Predicate, valueAt } from "./predicate.ts";

/** An item as a refused write returned it: parsed, and as it is stored. */
export type Seen = { license: License; stored: Readonly<Record<string, unknown>> };

/** One write of a license: what it sets and removes. */
export type Change = {
  set: readonly (readonly [path: Path, value: Assigned])[];
  remove: readonly Path[];
};

/** A value, or a number of the item plus another, such as the end of a lease. */
export type Assigned = string | number | boolean | object | Sum;

type Sum = { kind: "sum"; path: Path; ifAbsent?: number; plus: number };

export function isSum(value: Assigned): value is Sum {
  return typeof value === "object" && "kind" in value && value.kind === "sum";
}

/** What every write but a heartbeat and a grant sets. */
export const raisedToken = [
  ["fencing_token"],
  { kind: "sum", path: ["fencing_token"], ifAbsent: 0, plus: 1 },
] as const;

/** What a run of a rule comes to: a write, or an outcome that needs none. */
export type Plan<Outcome> =
  | { change: Change; applied(result: Applied): Outcome }
  | { change?: undefined; outcome: Outcome };

/** The license before and after a write. */
type Applied = { before: Seen; after: Seen };

type Written = ({ applied: true } & Applied) | { applied: false; seen: Seen | undefined };

/** The table, as the rules see it. */
export type Database = {
  /** One strongly consistent read. */
  get(licenseId: string): Promise<Seen | undefined>;
  /** One conditional write. A refused one returns the item that it met. */
  update(
    licenseId: string,
    condition: Predicate,
    change: Change,
    options?: { withinMs?: number },
  ): Promise<Written>;
};

/**
 * How a rule asks. A rule is one function of named predicates that runs twice. Run blind, each
 * predicate is assumed to hold and collected: together they are the condition of the write. If that
 * write is refused, the same function runs on the item that came back. It ends in the first `must`
 * that fails, which is the reason, or in a second write, whose condition is again what was collected.
 */
export type Asking<Outcome> = {
  /** What came back; `undefined` while the rule runs blind, or if there is no such license. */
  seen: Seen | undefined;
  /** @throws Error unless something came back: run blind, no rule gets to where it needs the item */
  item(): Seen;
  /** Ends the run with the outcome unless the predicate holds. */
  must(outcome: () => Outcome, predicate: Predicate): void;
  /**
   * A choice. If it turns out false, nothing is collected: what follows pins what it relies on with
   * `asSeen` or `onThisVersion`.
   */
  is(predicate: Predicate): boolean;
  /** The write requires that this attribute is what was seen. */
  asSeen(path: Path): void;
  /** The write requires that the entry's lease was not renewed. */
  leaseAsSeen(path: Path): void;
  /**
   * The write requires the item's version: every write but a heartbeat raises `fencing_token`. What
   * is asked from here on needs no condition, except for what heartbeats change.
   */
  onThisVersion(): void;
};

export type Rule<Outcome> = (asking: Asking<Outcome>) => Plan<Outcome>;

/**
 * Each refused write after the first means that a rival was faster. A license has 100 seats, and the
 * write of any of them changes the version that a second write requires.
 */
const mostWrites = 102;

/**
 * Carries out a rule on the item of a license.
 *
 * @param seen the item, if it was read: then the rule does not run blind
 * @throws any error of the database
 */
export async function carryOut<Outcome>(
  database: Database,
  licenseId: string,
  rule: Rule<Outcome>,
  seen?: Seen,
): Promise<Outcome> {
  let run = seen ? runOn(seen, rule) : runBlind(rule);
  for (let writes = 1; run.plan.change; writes++) {
    if (writes > mostWrites) throw new Error("A write was refused more often than rivals explain");
    const written = await database.update(licenseId, run.condition, run.plan.change);
    if (written.applied) return run.plan.applied(written);
    run = runOn(written.seen, rule);
  }
  return run.plan.outcome;
}

type Run<Outcome> = { plan: Plan<Outcome>; condition: Predicate };

function runBlind<Outcome>(rule: Rule<Outcome>): Run<Outcome> {
  const collected: Predicate[] = [];
  const collect = (predicate: Predicate) => {
    collected.push(predicate);
    return true;
  };
  const plan = rule({
    seen: undefined,
    item: impossible,
    must: (_outcome, predicate) => collect(predicate),
    is: collect,
    asSeen: impossible,
    leaseAsSeen: impossible,
    onThisVersion: impossible,
  });
  return { plan, condition: and(...collected) };
}

/** @param seen `undefined` if there is no such license */
export function runOn<Outcome>(seen: Seen | undefined, rule: Rule<Outcome>): Run<Outcome> {
  const collected: Predicate[] = [];
  let isVersionPinned = false;
  const isTrue = (predicate: Predicate) => {
    // What stands in the condition is judged as DynamoDB will: on the item as it is stored.
    const found = holds(predicate, isVersionPinned ? seen?.license : seen?.stored);
    if (found && !isVersionPinned) collected.push(predicate);
    return found;
  };
  const asSeen = (path: Path) => {
    const value = valueAt(seen?.stored, path);
    const isComparable =
      typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    collected.push(isComparable ? equal(path, value) : absent(path));
  };
  try {
    const plan = rule({
      seen,
      item: () => seen ?? impossible(),
      must(outcome, predicate) {
        if (!isTrue(predicate)) throw new Ended({ outcome: outcome() });
      },
      is: isTrue,
      asSeen,
      leaseAsSeen(path) {
        // Entries of the oldest version have no `lapses_at`.
        const hasEnd = valueAt(seen?.stored, [...path, "lapses_at"]) !== undefined;
        asSeen([...path, hasEnd ? "lapses_at" : "last_heartbeat"]);
      },
      onThisVersion() {
        asSeen(["fencing_token"]);
        isVersionPinned = true;
      },
    });
    return { plan, condition: and(...collected) };
  } catch (error) {
    if (error instanceof Ended) return { plan: error.plan, condition: and() };
    throw error;
  }
}

/** How a failed `must` leaves the rule; never leaves this file. */
class Ended<Outcome> extends Error {
  readonly plan: { outcome: Outcome };

  constructor(plan: { outcome: Outcome }) {
    super("A must failed");
    this.plan = plan;
  }
}

function impossible(): never {
  throw new Error("A rule that runs blind has seen nothing");
}
