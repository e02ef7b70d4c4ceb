/** The median and the quartiles of some measurements. */
type Spread = { median: number; lowerQuartile: number; upperQuartile: number };

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), lowerQuartile: at(0.25), upperQuartile: at(0.75) };
}

/** Formats the median, followed by the quartiles in brackets. */
export function inWords({ median, lowerQuartile, upperQuartile }: Spread, digits = 1): string {
  return `${median.toFixed(digits)} (${lowerQuartile.toFixed(digits)}-${upperQuartile.toFixed(digits)})`;
}
