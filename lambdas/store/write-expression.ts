import { isPath, type Path, type Predicate, valueAt } from "../rules/predicate.ts";
import { type Change, isSum } from "../rules/rule-run.ts";

/** A condition and a change in DynamoDB's expression language. */
export type WriteExpression = {
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
  const names = new Map<string, string>();
  const values = new Map<unknown, string>();

  function name(attribute: string): string {
    const alias = names.get(attribute) ?? `#${names.size.toString(36)}`;
    names.set(attribute, alias);
    return alias;
  }
  function path(attributes: Path): string {
    return attributes.map(name).join(".");
  }
  function value(stored: unknown): string {
    const alias = values.get(stored) ?? `:${values.size.toString(36)}`;
    values.set(stored, alias);
    return alias;
  }
  function text(predicate: Predicate): string {
    switch (predicate.op) {
      case "and":
      case "or":
        return predicate.all.length === 1
          ? predicate.all.map(text).join("")
          : `(${predicate.all.map(text).join(` ${predicate.op.toUpperCase()} `)})`;
      case "not":
        return `NOT ${text(predicate.predicate)}`;
      case "exists":
        return `attribute_exists(${path(predicate.path)})`;
      case "absent":
        return `attribute_not_exists(${path(predicate.path)})`;
      default: {
        const { op, left, ofSize, right } = predicate;
        const compared = ofSize ? `size(${path(left)})` : path(left);
        return `${compared}${op}${isPath(right) ? path(right) : value(right)}`;
      }
    }
  }
  function assigned(to: Change["set"][number][1]): string {
    if (!isSum(to)) return value(to);
    const addend =
      to.ifAbsent === undefined
        ? path(to.path)
        : `if_not_exists(${path(to.path)},${value(to.ifAbsent)})`;
    return `${addend}+${value(to.plus)}`;
  }

  const setText = set.map(([to, what]) => `${path(to)}=${assigned(what)}`).join(",");
  const removeText = remove.map(path).join(",");
  return {
    condition: allOf(condition).map(text).join(" AND "),
    set: setText,
    remove: removeText,
    names: Object.fromEntries([...names].map(([attribute, alias]) => [alias, attribute])),
    values: Object.fromEntries([...values].map(([stored, alias]) => [alias, stored])),
  };
}

/** What has to hold, without the brackets that would only cost bytes. */
function allOf(predicate: Predicate): readonly Predicate[] {
  return predicate.op === "and" ? predicate.all.flatMap(allOf) : [predicate];
}

/** The item after the change, as DynamoDB stores it: right-hand sides read the item as it was. */
export function applyChange(
  item: Readonly<Record<string, unknown>>,
  { set, remove }: Change,
): Record<string, unknown> {
  const values = set.map(
    ([path, to]) =>
      [path, isSum(to) ? Number(valueAt(item, to.path) ?? to.ifAbsent) + to.plus : to] as const,
  );
  const after = { ...item };
  const copied = new Set<object>([after]);
  for (const [path, value] of values) place(path, value);
  for (const path of remove) place(path, undefined);
  return after;

  /** Copies the maps on the way, so that the item stays as it was. */
  function place([...path]: Path | string[], value: unknown): void {
    const name = path.pop() ?? "";
    let map: Record<string, unknown> = after;
    for (const step of path) {
      const inner = Object(map[step]);
      const copy = copied.has(inner) ? inner : { ...inner };
      copied.add(copy);
      map[step] = copy;
      map = copy;
    }
    if (value === undefined) delete map[name];
    else map[name] = value;
  }
}
