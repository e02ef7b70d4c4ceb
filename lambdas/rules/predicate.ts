/**
 * A fact about the item of a license: the part of DynamoDB's condition language that the rules need.
 * It has two readers: `holds` below, and `store/write-expression.ts`, which compiles it.
 */
export type Predicate =
  | { op: Comparator; left: Path; ofSize?: true; right: Path | Scalar }
  | { op: "exists" | "absent"; path: Path }
  | { op: "and" | "or"; all: readonly Predicate[] }
  | { op: "not"; predicate: Predicate };

type Comparator = "=" | "<" | "<=" | ">" | ">=";

type Scalar = string | number | boolean;

/** Names of attributes, from the item inwards. */
export type Path = readonly string[];

const compare =
  (op: Comparator, ofSize?: true) =>
  (left: Path, right: Path | Scalar): Predicate => ({ op, left, ...(ofSize && { ofSize }), right });

/** Each takes a path, and a value or the path of one. What is not there compares with nothing. */
export const equal = compare("=");
export const atMost = compare("<=");
export const atLeast = compare(">=");
export const less = compare("<");
export const greater = compare(">");

/** Of the number of entries in a map. */
export const sizeBelow = compare("<", true);
export const sizeAtMost = compare("<=", true);

export function exists(path: Path): Predicate {
  return { op: "exists", path };
}

export function absent(path: Path): Predicate {
  return { op: "absent", path };
}

export function and(...all: Predicate[]): Predicate {
  return { op: "and", all };
}

export function or(...all: Predicate[]): Predicate {
  return { op: "or", all };
}

export function not(predicate: Predicate): Predicate {
  return { op: "not", predicate };
}

/** Whether the predicate is true of an item, by the semantics of DynamoDB: no two types compare. */
export function holds(predicate: Predicate, item: object | undefined): boolean {
  switch (predicate.op) {
    case "and":
      return predicate.all.every((each) => holds(each, item));
    case "or":
      return predicate.all.some((each) => holds(each, item));
    case "not":
      return !holds(predicate.predicate, item);
    case "exists":
      return valueAt(item, predicate.path) !== undefined;
    case "absent":
      return valueAt(item, predicate.path) === undefined;
    default: {
      const { op, left, ofSize, right } = predicate;
      const stored = valueAt(item, left);
      return compares(
        op,
        ofSize ? sizeOf(stored) : stored,
        isPath(right) ? valueAt(item, right) : right,
      );
    }
  }
}

/** Whether a comparison is with another attribute. */
export function isPath(right: Path | Scalar): right is Path {
  return typeof right === "object";
}

export function valueAt(item: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, name) =>
      typeof inside === "object" && inside !== null && Object.hasOwn(inside, name)
        ? Reflect.get(inside, name)
        : undefined,
    item,
  );
}

export function textAt(item: unknown, path: Path): string | undefined {
  const value = valueAt(item, path);
  return typeof value === "string" ? value : undefined;
}

function sizeOf(stored: unknown): number | undefined {
  return typeof stored === "object" && stored !== null ? Object.keys(stored).length : undefined;
}

function compares(op: Comparator, left: unknown, right: unknown): boolean {
  if (op === "=") return left !== undefined && left === right;
  if (typeof left !== "number" || typeof right !== "number") return false;
  switch (op) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}
