import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Item = Record<string, AttributeValue>;

/** An expression with what stands for its names and values. */
export type Bindings = {
  names: Record<string, string> | undefined;
  values: Record<string, AttributeValue> | undefined;
};

/** What DynamoDB answers to an expression that makes no sense. */
function refuse(what: string): never {
  throw Object.assign(new Error(what), { name: "ValidationException" });
}

const maxExpressionBytes = 4096;
const maxOperators = 300;

/**
 * Evaluates the part of DynamoDB's condition language that the service and its tools use; anything
 * else is an error. `test/simulation` shows that it agrees with two real engines.
 */
export function evaluateCondition(text: string, bindings: Bindings, item: Item): boolean {
  return conditionIn(text)({ ...bindings, item });
}

/** Applies an update expression. The item that is given stays as it is. */
export function applyUpdate(text: string, bindings: Bindings, item: Item): Item {
  const scope = { ...bindings, item };
  // Right-hand sides read the item as it was before.
  const changes = clausesIn(text).map(({ path, value }) => ({
    steps: path.map((step) => nameOf(step, bindings)),
    value: value && (value(scope) ?? refuse("an attribute that does not exist in the item")),
  }));
  refuseOverlaps(changes.map(({ steps }) => steps));
  return changes.reduce<Item>((changed, { steps, value }) => withPath(changed, steps, value), item);
}

/** What DynamoDB checks before it looks at the item: names and values that nobody uses, the size. */
export function checkExpressions(texts: readonly string[], { names, values }: Bindings): void {
  const used = new Set(texts.flatMap(placeholdersOf));
  const defined = [...Object.keys(names ?? {}), ...Object.keys(values ?? {})];
  for (const word of defined) {
    if (!used.has(word)) refuse(`unused in expressions: ${word}`);
  }
  if (defined.length < used.size) refuse("a name or value is not defined");
  for (const text of texts) {
    if (text.length < 2 * maxOperators) continue;
    const operators = text.match(/\b(AND|OR|NOT|IN|BETWEEN)\b|<>|[<>]=?|=|[+-]|\w+\(/g) ?? [];
    if (operators.length > maxOperators) {
      refuse("The expression contains too many operators and functions");
    }
    const full = text.replaceAll(/#\w+/g, (word) => names?.[word] ?? word);
    if (Buffer.byteLength(full) > maxExpressionBytes) {
      refuse("Expression size has exceeded the maximum allowed size");
    }
  }
}

type Value = AttributeValue | undefined;
type Scope = Bindings & { item: Item };
type Operand = (scope: Scope) => Value;
type Condition = (scope: Scope) => boolean;
type Clause = { path: string[]; value: Operand | undefined };
/** Those that are not read yet. */
type Words = string[];

const placeholdersOf = remembered((text) => text.match(/[#:]\w+/g) ?? []);
const conditionIn = remembered((text) => parsed(text, conditionOf));
const clausesIn = remembered((text) => parsed(text, clausesOf));

/** Most expressions come again and again. */
function remembered<Result>(make: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const result = known.get(text) ?? make(text);
    if (known.size > 10_000) known.clear();
    known.set(text, result);
    return result;
  };
}

function parsed<Result>(text: string, parse: (words: Words) => Result): Result {
  const words = text.match(/<>|<=|>=|[#:]?\w+|\S/g) ?? [];
  const result = parse(words);
  if (words.length > 0) refuse(`unexpected: ${words[0]} in ${text}`);
  return result;
}

function take(words: Words, wanted?: string): string {
  const word = words.shift();
  if (word !== undefined && word === (wanted ?? word)) return word;
  return refuse(`expected ${wanted ?? "more"}, found ${word}`);
}

/** Takes it if it comes next. */
function takes(words: Words, wanted: string): boolean {
  const isNext = words[0] === wanted;
  if (isNext) words.shift();
  return isNext;
}

function conditionOf(words: Words): Condition {
  return joined(words, "OR", conjunctionOf, (a, b) => (scope) => a(scope) || b(scope));
}

function conjunctionOf(words: Words): Condition {
  return joined(words, "AND", negationOf, (a, b) => (scope) => a(scope) && b(scope));
}

function joined(
  words: Words,
  operator: "AND" | "OR",
  next: (words: Words) => Condition,
  join: (a: Condition, b: Condition) => Condition,
): Condition {
  let left = next(words);
  while (takes(words, operator)) left = join(left, next(words));
  return left;
}

function negationOf(words: Words): Condition {
  if (takes(words, "NOT")) {
    const condition = negationOf(words);
    return (scope) => !condition(scope);
  }
  if (takes(words, "(")) {
    const condition = conditionOf(words);
    take(words, ")");
    return condition;
  }
  return comparisonOf(words);
}

function comparisonOf(words: Words): Condition {
  for (const wanted of [true, false]) {
    if (!takes(words, wanted ? "attribute_exists" : "attribute_not_exists")) continue;
    const { path } = argumentsOf(words);
    return (scope) => (valueAt(path, scope) !== undefined) === wanted;
  }
  if (takes(words, "attribute_type")) {
    const { path, second: type } = argumentsOf(words);
    return (scope) => {
      const value = valueAt(path, scope);
      return value !== undefined && Object.keys(value)[0] === type?.(scope)?.S;
    };
  }
  const left = operandOf(words);
  const comparator = take(words);
  const compares = comparators[comparator] ?? refuse(`no comparator: ${comparator}`);
  const right = operandOf(words);
  return (scope) => compares(left(scope), right(scope));
}

/** Of a function: a path, and what may follow it. */
function argumentsOf(words: Words): { path: string[]; second: Operand | undefined } {
  take(words, "(");
  const path = pathOf(words);
  const second = takes(words, ",") ? operandOf(words) : undefined;
  take(words, ")");
  return { path, second };
}

function clausesOf(words: Words): Clause[] {
  const clauses: Clause[] = [];
  while (words.length > 0) {
    const verb = take(words);
    if (verb !== "SET" && verb !== "REMOVE") refuse(`no verb: ${verb}`);
    do {
      const path = pathOf(words);
      if (verb === "SET") take(words, "=");
      clauses.push({ path, value: verb === "SET" ? sumOf(words) : undefined });
    } while (takes(words, ","));
  }
  return clauses;
}

function sumOf(words: Words): Operand {
  const left = operandOf(words);
  if (!takes(words, "+")) return left;
  const right = operandOf(words);
  return (scope) => {
    const [a, b] = [left(scope)?.N, right(scope)?.N];
    if (a === undefined || b === undefined) refuse("an operand is no number");
    return { N: String(Number(a) + Number(b)) };
  };
}

function operandOf(words: Words): Operand {
  const first = words[0];
  if (first?.startsWith(":")) {
    take(words);
    return ({ values }) => values?.[first];
  }
  if (takes(words, "size")) {
    const { path } = argumentsOf(words);
    return (scope) => sizeOf(valueAt(path, scope));
  }
  if (takes(words, "if_not_exists")) {
    const { path, second: otherwise } = argumentsOf(words);
    return (scope) => valueAt(path, scope) ?? otherwise?.(scope);
  }
  const path = pathOf(words);
  return (scope) => valueAt(path, scope);
}

function pathOf(words: Words): string[] {
  const path = [take(words)];
  while (takes(words, ".")) path.push(take(words));
  return path;
}

function nameOf(step: string, { names }: Bindings): string {
  return step.startsWith("#") ? (names?.[step] ?? step) : step;
}

function valueAt(path: readonly string[], scope: Scope): Value {
  let map: Item | undefined = scope.item;
  let value: Value;
  for (const step of path) {
    const name = nameOf(step, scope);
    value = map && Object.hasOwn(map, name) ? map[name] : undefined;
    map = value?.M;
  }
  return value;
}

const comparators: Record<string, (left: Value, right: Value) => boolean> = {
  "=": (left, right) => left !== undefined && equals(left, right),
  // Earlier versions use it.
  "<>": (left, right) => !equals(left, right),
  "<": (left, right) => orderOf(left, right) < 0,
  "<=": (left, right) => orderOf(left, right) <= 0,
  ">": (left, right) => orderOf(left, right) > 0,
  ">=": (left, right) => orderOf(left, right) >= 0,
};

function equals(left: Value, right: Value): boolean {
  if (left?.N !== undefined && right?.N !== undefined) return Number(left.N) === Number(right.N);
  return JSON.stringify(left) === JSON.stringify(right);
}

/** `NaN`, of which no comparison is true, where the two are of two types. */
function orderOf(left: Value, right: Value): number {
  if (left?.N !== undefined && right?.N !== undefined) return Number(left.N) - Number(right.N);
  if (left?.S === undefined || right?.S === undefined) return Number.NaN;
  return Buffer.compare(Buffer.from(left.S), Buffer.from(right.S));
}

function sizeOf(value: Value): Value {
  return value?.M && { N: String(Object.keys(value.M).length) };
}

function withPath(map: Item, [name, ...rest]: readonly string[], value: Value): Item {
  if (name === undefined) refuse("a path without steps");
  if (rest.length === 0) {
    if (value !== undefined) return { ...map, [name]: value };
    const { [name]: _removed, ...others } = map;
    return others;
  }
  const inner = Object.hasOwn(map, name) ? map[name]?.M : undefined;
  if (!inner) {
    refuse("The document path provided in the update expression is invalid for update");
  }
  return { ...map, [name]: { M: withPath(inner, rest, value) } };
}

function refuseOverlaps(paths: readonly (readonly string[])[]): void {
  const texts = paths.map((steps) => `${JSON.stringify(steps).slice(0, -1)},`).sort();
  texts.forEach((text, index) => {
    if (index > 0 && text.startsWith(texts[index - 1] ?? "?")) {
      refuse("Two document paths overlap with each other");
    }
  });
}
