/** A figure for each period, oldest first; undefined where CloudWatch has none. */
export type Series = readonly (number | undefined)[];

/**
 * Evaluates an expression of CloudWatch metric math, as far as this stack's alarms use it: numbers,
 * metrics by id, `+ - * /`, comparisons, `FILL(metric, number)` and `IF(condition, a, b)`. A figure
 * that depends on a missing one is missing.
 *
 * @param periods the length of every series
 * @throws Error on anything else, so that no alarm is judged by a wrong reading of its expression
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
export function evaluateMetricMath(
  expression: string,
  metrics: Readonly<Record<string, Series>>,
  periods: number,
): Series {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|>=|<=|==|!=|[-+*/(),<>]|\S/g) ?? [];
  let at = 0;
  const result = comparison();
  if (at < tokens.length) throw unexpected();
  return result;

  function comparison(): Series {
    return binary(sum, {
      ">=": (a, b) => Number(a >= b),
      "<=": (a, b) => Number(a <= b),
      ">": (a, b) => Number(a > b),
      "<": (a, b) => Number(a < b),
    });
  }

  function sum(): Series {
    return binary(product, { "+": (a, b) => a + b, "-": (a, b) => a - b });
  }

  function product(): Series {
    // CloudWatch has no figure where it would divide by zero.
    return binary(operand, {
      "*": (a, b) => a * b,
      "/": (a, b) => (b === 0 ? undefined : a / b),
    });
  }

  function binary(
    next: () => Series,
    operators: Record<string, (a: number, b: number) => number | undefined>,
  ): Series {
    let left = next();
    for (;;) {
      const operator = operators[tokens[at] ?? ""];
      if (operator === undefined) return left;
      at += 1;
      const right = next();
      left = left.map((a, i) => {
        const b = right[i];
        return a === undefined || b === undefined ? undefined : operator(a, b);
      });
    }
  }

  function operand(): Series {
    const token = tokens[at];
    if (token === undefined) throw unexpected();
    at += 1;
    if (/^\d/.test(token)) return Array.from({ length: periods }, () => Number(token));
    if (token === "(") {
      const inner = comparison();
      expect(")");
      return inner;
    }
    if (tokens[at] === "(") return call(token);
    const metric = metrics[token];
    if (metric === undefined) throw new Error(`${expression}: there is no metric ${token}`);
    return metric;
  }

  function call(name: string): Series {
    expect("(");
    const values = [comparison()];
    while (tokens[at] === ",") {
      at += 1;
      values.push(comparison());
    }
    expect(")");
    const [first = [], second = [], third = []] = values;
    if (name === "FILL" && values.length === 2) {
      return first.map((value, i) => value ?? second[i]);
    }
    if (name === "IF" && values.length === 3) {
      return first.map((value, i) =>
        value === undefined ? undefined : value === 0 ? third[i] : second[i],
      );
    }
    throw new Error(`${expression}: ${name} with ${values.length} arguments is not known here`);
  }

  function expect(token: string): void {
    if (tokens[at] !== token) throw unexpected();
    at += 1;
  }

  function unexpected(): Error {
    return new Error(`${expression}: ${tokens[at] ?? "the end"} is not expected here`);
  }
}
