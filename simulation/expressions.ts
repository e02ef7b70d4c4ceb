import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Item = Record<string, AttributeValue>;

/** An expression with what stands for its names and values. */
export type Bindings = {
  names: Record<string, string> | undefined;
  values: Record<string, AttributeValue> | undefined;
};

/** What DynamoDB answers to an expression that makes no sense. */
export class ValidationException extends Error {
  override readonly name = "ValidationException";
}

const maxExpressionBytes = 4096;
const maxOperators = 300;

/**
 * Evaluates the part of DynamoDB's condition language that the service and its tools use; anything
 * else is an error. `test/simulation` shows that it agrees with two real engines.
 */
export function evaluateCondition(text: string, bindings: Bindings, item: Item): boolean {
  return parsed(text, conditionOf)({ ...bindings, item });
}

/** Applies an update expression. The item that is given stays as it is. */
export function applyUpdate(text: string, bindings: Bindings, item: Item): Item {
  const clauses = parsed(text, clausesOf);
  const scope = { ...bindings, item };
  // Right-hand sides read the item as it was before.
  const changes = clauses.map(({ path, value }) => ({
    steps: path.map((step) => nameOf(step, bindings)),
    value: value?.(scope),
    removes: value === undefined,
  }));
  refuseOverlaps(changes.map(({ steps }) => steps));
  return changes.reduce<Item>((changed, { steps, value, removes }) => {
    if (!removes && value === undefined) {
      throw new ValidationException(
        "The provided expression refers to an attribute that does not exist in the item",
      );
    }
    return withPath(changed, steps, value);
  }, item);
}

/** What DynamoDB checks before it looks at the item: names and values that nobody uses, the size. */
export function checkExpressions(texts: readonly string[], { names, values }: Bindings): void {
  const used = new Set(texts.flatMap(placeholdersOf));
  const defined = [...Object.keys(names ?? {}), ...Object.keys(values ?? {})];
  for (const word of defined) {
    if (!used.has(word)) throw new ValidationException(`unused in expressions: ${word}`);
  }
  if (defined.length < used.size) throw new ValidationException("a name or value is not defined");
  for (const text of texts) {
    if (text.length < 2 * maxOperators) continue;
    const operators = text.match(/\b(AND|OR|NOT|IN|BETWEEN)\b|<>|[<>]=?|=|[+-]|\w+\(/g) ?? [];
    if (operators.length > maxOperators) {
      throw new ValidationException("The expression contains too many operators and functions");
    }
    const full = text.replaceAll(/#\w+/g, (word) => names?.[word] ?? word);
    if (Buffer.byteLength(full) > maxExpressionBytes) {
      throw new ValidationException("Expression size has exceeded the maximum allowed size");
    }
  }
}

const placeholders = new Map<string, readonly string[]>();

function placeholdersOf(text: string): readonly string[] {
  const known = placeholders.get(text);
  if (known) return known;
  const found = text.match(/[#:]\w+/g) ?? [];
  if (placeholders.size > 10_000) placeholders.clear();
  placeholders.set(text, found);
  return found;
}

type Scope = Bindings & { item: Item };
type Operand = (scope: Scope) => AttributeValue | undefined;
type Condition = (scope: Scope) => boolean;
type Clause = { path: string[]; value: Operand | undefined };
type Words = { peek(): string | undefined; take(wanted?: string): string };

const cache = new Map<string, unknown>();

function parsed<Result>(text: string, parse: (words: Words) => Result): Result {
  const known = cache.get(text) as Result | undefined;
  if (known) return known;
  const words = wordsOf(text);
  const result = parse(words);
  if (words.peek() !== undefined) throw new ValidationException(`unexpected: ${words.peek()}`);
  if (cache.size > 10_000) cache.clear();
  cache.set(text, result);
  return result;
}

function wordsOf(text: string): Words {
  const words = text.match(/<>|<=|>=|[#:]?\w+|\S/g) ?? [];
  let at = 0;
  return {
    peek: () => words[at],
    take(wanted) {
      const word = words[at++];
      if (word === undefined || (wanted !== undefined && word !== wanted)) {
        throw new ValidationException(`expected ${wanted ?? "more"}, found ${word} in ${text}`);
      }
      return word;
    },
  };
}

function conditionOf(words: Words): Condition {
  let left = conjunctionOf(words);
  while (words.peek() === "OR") {
    words.take();
    const [a, b] = [left, conjunctionOf(words)];
    left = (scope) => a(scope) || b(scope);
  }
  return left;
}

function conjunctionOf(words: Words): Condition {
  let left = negationOf(words);
  while (words.peek() === "AND") {
    words.take();
    const [a, b] = [left, negationOf(words)];
    left = (scope) => a(scope) && b(scope);
  }
  return left;
}

function negationOf(words: Words): Condition {
  if (words.peek() === "NOT") {
    words.take();
    const condition = negationOf(words);
    return (scope) => !condition(scope);
  }
  if (words.peek() === "(") {
    words.take();
    const condition = conditionOf(words);
    words.take(")");
    return condition;
  }
  return comparisonOf(words);
}

function comparisonOf(words: Words): Condition {
  const first = words.peek();
  if (first === "attribute_exists" || first === "attribute_not_exists") {
    words.take();
    words.take("(");
    const path = pathOf(words);
    words.take(")");
    const wanted = first === "attribute_exists";
    return (scope) => (valueAt(path, scope) !== undefined) === wanted;
  }
  if (first === "attribute_type") {
    words.take();
    words.take("(");
    const path = pathOf(words);
    words.take(",");
    const type = operandOf(words);
    words.take(")");
    return (scope) => {
      const value = valueAt(path, scope);
      return value !== undefined && Object.keys(value)[0] === type(scope)?.S;
    };
  }
  const left = operandOf(words);
  const comparator = words.take();
  const right = operandOf(words);
  return (scope) => compares(comparator, left(scope), right(scope));
}

function clausesOf(words: Words): Clause[] {
  const clauses: Clause[] = [];
  while (words.peek() !== undefined) {
    const verb = words.take();
    if (verb !== "SET" && verb !== "REMOVE") throw new ValidationException(`no verb: ${verb}`);
    for (;;) {
      const path = pathOf(words);
      if (verb === "REMOVE") {
        clauses.push({ path, value: undefined });
      } else {
        words.take("=");
        clauses.push({ path, value: sumOf(words) });
      }
      if (words.peek() !== ",") break;
      words.take();
    }
  }
  return clauses;
}

function sumOf(words: Words): Operand {
  const left = operandOf(words);
  const sign = words.peek();
  if (sign !== "+" && sign !== "-") return left;
  words.take();
  const right = operandOf(words);
  return (scope) => {
    const [a, b] = [left(scope)?.N, right(scope)?.N];
    if (a === undefined || b === undefined) {
      throw new ValidationException(
        "An operand in the update expression has an incorrect data type",
      );
    }
    return { N: String(sign === "+" ? Number(a) + Number(b) : Number(a) - Number(b)) };
  };
}

function operandOf(words: Words): Operand {
  const first = words.peek();
  if (first?.startsWith(":")) {
    words.take();
    return ({ values }) => values?.[first];
  }
  if (first === "size") {
    words.take();
    words.take("(");
    const path = pathOf(words);
    words.take(")");
    return (scope) => sizeOf(valueAt(path, scope));
  }
  if (first === "if_not_exists") {
    words.take();
    words.take("(");
    const path = pathOf(words);
    words.take(",");
    const otherwise = operandOf(words);
    words.take(")");
    return (scope) => valueAt(path, scope) ?? otherwise(scope);
  }
  const path = pathOf(words);
  return (scope) => valueAt(path, scope);
}

function pathOf(words: Words): string[] {
  const path = [words.take()];
  while (words.peek() === ".") {
    words.take();
    path.push(words.take());
  }
  return path;
}

function nameOf(step: string, { names }: Bindings): string {
  return step.startsWith("#") ? (names?.[step] ?? step) : step;
}

function valueAt(path: readonly string[], scope: Scope): AttributeValue | undefined {
  let map: Item | undefined = scope.item;
  let value: AttributeValue | undefined;
  for (const step of path) {
    const name = nameOf(step, scope);
    value = map && Object.hasOwn(map, name) ? map[name] : undefined;
    map = value?.M;
  }
  return value;
}

function compares(
  comparator: string,
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
): boolean {
  if (comparator === "=") return left !== undefined && equals(left, right);
  if (comparator === "<>") return !equals(left, right);
  const order = orderOf(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      throw new ValidationException(`no comparator: ${comparator}`);
  }
}

function equals(left: AttributeValue | undefined, right: AttributeValue | undefined): boolean {
  if (left?.N !== undefined && right?.N !== undefined) return Number(left.N) === Number(right.N);
  return JSON.stringify(left) === JSON.stringify(right);
}

function orderOf(
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
): number | undefined {
  if (left?.N !== undefined && right?.N !== undefined) return Number(left.N) - Number(right.N);
  if (left?.S !== undefined && right?.S !== undefined) {
    return Buffer.compare(Buffer.from(left.S), Buffer.from(right.S));
  }
  return undefined;
}

function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  if (value?.M) return { N: String(Object.keys(value.M).length) };
  if (value?.S !== undefined) return { N: String(Buffer.byteLength(value.S)) };
  return undefined;
}

function withPath(
  map: Item,
  [name, ...rest]: readonly string[],
  value: AttributeValue | undefined,
): Item {
  if (name === undefined) throw new ValidationException("a path without steps");
  if (rest.length === 0) {
    if (value !== undefined) return { ...map, [name]: value };
    const { [name]: _removed, ...others } = map;
    return others;
  }
  const inner = Object.hasOwn(map, name) ? map[name]?.M : undefined;
  if (!inner) {
    throw new ValidationException(
      "The document path provided in the update expression is invalid for update",
    );
  }
  return { ...map, [name]: { M: withPath(inner, rest, value) } };
}

function refuseOverlaps(paths: readonly (readonly string[])[]): void {
  const texts = paths.map((steps) => `${JSON.stringify(steps).slice(0, -1)},`).sort();
  texts.forEach((text, index) => {
    if (index > 0 && text.startsWith(texts[index - 1] ?? "?")) {
      throw new ValidationException("Two document paths overlap with each other");
    }
  });
}
