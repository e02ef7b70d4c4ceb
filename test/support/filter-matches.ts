/**
 * Whether a filter of CloudWatch Logs lets a line of JSON through, as far as this stack's filters go:
 * `{ $.path = "text" }`, where `*` is any text, `= number`, `> number`, `IS TRUE`, and `&&` between.
 *
 * @throws Error on anything else
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export function filterMatches(pattern: string, line: unknown): boolean {
  const [, inner] = /^\{ (.*) \}$/.exec(pattern) ?? [];
  if (inner === undefined) throw new Error(`${pattern} is not a pattern for JSON`);
  return inner
    .split(" && ")
    .every((condition) => conditionHolds(condition.replace(/^\((.*)\)$/, "$1"), line));
}

/** The field of a line that a selector such as `$.message.code` names. */
export function selected(selector: string, line: unknown): unknown {
  return selector
    .replace(/^\$\./, "")
    .split(".")
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], line);
}

function conditionHolds(condition: string, line: unknown): boolean {
  const [, selector = "", operator, text, number] =
    /^(\$\.[\w.]+) (=|>|IS TRUE)(?: (?:"([^"]*)"|(\d+)))?$/.exec(condition) ?? [];
  const value = selected(selector, line);
  if (operator === "IS TRUE") return value === true;
  if (operator === "=" && text === "*") return value !== undefined;
  if (operator === "=" && text !== undefined) return value === text;
  if (operator === "=" && number !== undefined) return value === Number(number);
  if (operator === ">" && number !== undefined) {
    return typeof value === "number" && value > Number(number);
  }
  throw new Error(`${condition} is not a condition that is known here`);
}
