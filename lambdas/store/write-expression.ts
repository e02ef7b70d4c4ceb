import { isPath, type Path, type Predicate, valueAt } from "../rules/predicate.ts";
import { type Change, isSum } from "../rules/rule-run.ts";

/** A condition and a change in DynamoDB's expression language. */
type WriteExpression = {
  condition: string;
  /** Without the word SET or REMOVE; empty if there is nothing of the kind. */
  set: string;
  remove: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
};

/**
 * Compiles a write. Every name and value gets an alias: some names are reserved words, and short
 * aliases keep the write of 100 symbols within DynamoDB's 4,096 bytes for an expression.
 */
export function writeExpression(condition: Predicate, { set, remove }: Change): WriteExpression {
  const names = new Aliases<string>("#");
  const values = new Aliases<unknown>(":");

  function path(attributes: Path): string {
    let joined = "";
    for (const attribute of attributes) joined += (joined && ".") + names.of(attribute);
    return joined;
  }
  /** @param outer what joins the text to others; brackets that it makes needless would cost bytes */
  function text(predicate: Predicate, outer: "and" | "or" | "not"): string {
    switch (predicate.op) {
      case "and":
      case "or": {
        const { op, all } = predicate;
        const [first, ...others] = all;
        if (first && others.length === 0) return text(first, outer);
        const joined = all.map((each) => text(each, op)).join(op === "and" ? " AND " : " OR ");
        return op === outer ? joined : `(${joined})`;
      }
      case "not":
        return `NOT ${text(predicate.predicate, "not")}`;
      case "exists":
        return `attribute_exists(${path(predicate.path)})`;
      case "absent":
        return `attribute_not_exists(${path(predicate.path)})`;
      default: {
        const { op, left, ofSize, right } = predicate;
        const compared = ofSize ? `size(${path(left)})` : path(left);
        return `${compared}${op}${isPath(right) ? path(right) : values.of(right)}`;
      }
    }
  }
  function assigned(to: Change["set"][number][1]): string {
    if (!isSum(to)) return values.of(to);
    const addend =
      to.ifAbsent === undefined
        ? path(to.path)
        : `if_not_exists(${path(to.path)},${values.of(to.ifAbsent)})`;
    return `${addend}+${values.of(to.plus)}`;
  }

  return {
    condition: text(condition, "and"),
    set: set.map(([to, what]) => `${path(to)}=${assigned(what)}`).join(","),
    remove: remove.map(path).join(","),
    names: names.meanings,
    values: values.meanings,
  };
}

class Aliases<Meaning> {
  readonly meanings: Record<string, Meaning> = {};
  readonly #aliases = new Map<Meaning, string>();
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  of(meaning: Meaning): string {
    let alias = this.#aliases.get(meaning);
    if (alias === undefined) {
      alias = this.#prefix + this.#aliases.size.toString(36);
      this.#aliases.set(meaning, alias);
      this.meanings[alias] = meaning;
    }
    return alias;
  }
}

/** The item after the change, as DynamoDB stores it: right-hand sides read the item as it was. */
export function applyChange(
  item: Readonly<Record<string, unknown>>,
  { set, remove }: Change,
): Record<string, unknown> {
  const after = { ...item };
  const copied = new Set<object>([after]);
  for (const [path, to] of set) {
    place(path, isSum(to) ? Number(valueAt(item, to.path) ?? to.ifAbsent) + to.plus : to);
  }
  for (const path of remove) place(path, undefined);
  return after;

  /** Copies the maps on the way, so that the item stays as it was. */
  function place(path: Path, value: unknown): void {
    let map: Record<string, unknown> = after;
    for (const step of path.slice(0, -1)) {
      const inner = Object(map[step]);
      const copy = copied.has(inner) ? inner : { ...inner };
      copied.add(copy);
      map[step] = copy;
      map = copy;
    }
    const name = path.at(-1) ?? "";
    if (value === undefined) delete map[name];
    else map[name] = value;
  }
}
