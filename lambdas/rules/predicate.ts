/**
 * A fact about the item of a license: the part of DynamoDB's condition language that the rules need.
 * It has two readers: `holds` below, and `store/write-expression.ts`, which compiles it.
 */
export type Predicate =
  | { op: "=" | "<" | "<=" | ">" | ">="; path: Path; value: string | number | boolean }
  | { op: "same"; path: Path; other: Path }
  | { op: "exists" | "absent"; path: Path }
  | { op: "size <"; path: Path; limit: Path | number }
  | { op: "size <="; path: Path; limit: Path | number }
  | { op: "and" | "or"; all: readonly Predicate[] }
  | { op: "not"; predicate: Predicate };

/** Names of attributes, from the item inwards. */
export type Path = readonly string[];

export function equal(path: Path, value: string | number | boolean): Predicate {
  return { op: "=", path, value };
}

/** Both attributes are there and equal. */
export function same(path: Path, other: Path): Predicate {
  return { op: "same", path, other };
}

export function atMost(path: Path, value: number): Predicate {
  return { op: "<=", path, value };
}

export function atLeast(path: Path, value: number): Predicate {
  return { op: ">=", path, value };
}

export function less(path: Path, value: number): Predicate {
  return { op: "<", path, value };
}

export function greater(path: Path, value: number): Predicate {
  return { op: ">", path, value };
}

export function exists(path: Path): Predicate {
  return { op: "exists", path };
}

export function absent(path: Path): Predicate {
  return { op: "absent", path };
}

/** @param limit a number, or the path of one */
export function sizeBelow(path: Path, limit: Path | number): Predicate {
  return { op: "size <", path, limit };
}

/** @param limit a number, or the path of one */
export function sizeAtMost(path: Path, limit: Path | number): Predicate {
  return { op: "size <=", path, limit };
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
    case "same": {
      const value = valueAt(item, predicate.path);
      return value !== undefined && value === valueAt(item, predicate.other);
    }
    case "exists":
      return valueAt(item, predicate.path) !== undefined;
    case "absent":
      return valueAt(item, predicate.path) === undefined;
    case "size <":
    case "size <=": {
      const counted = valueAt(item, predicate.path);
      const { limit } = predicate;
      const most = typeof limit === "number" ? limit : valueAt(item, limit);
      if (typeof counted !== "object" || counted === null || typeof most !== "number") return false;
      const size = Object.keys(counted).length;
      return predicate.op === "size <" ? size < most : size <= most;
    }
    default:
      return compares(predicate.op, valueAt(item, predicate.path), predicate.value);
  }
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

function compares(op: "=" | "<" | "<=" | ">" | ">=", stored: unknown, value: unknown): boolean {
  if (op === "=") return stored === value;
  if (typeof stored !== "number" || typeof value !== "number") return false;
  switch (op) {
    case "<":
      return stored < value;
    case "<=":
      return stored <= value;
    case ">":
      return stored > value;
    case ">=":
      return stored >= value;
  }
}
