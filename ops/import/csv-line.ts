/**
 * The last line of an export. A file whose header has `license_id` but that lacks this line was
 * truncated, and is not imported.
 */
export const endOfExport = "#end-of-export";

/** One line of CSV. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(quoted).join(",")}\n`;
}

/** Puts an apostrophe before a cell that a spreadsheet would interpret as a formula. */
function withoutFormula(cell: string): string {
  return /^[=+\-@\t\r']/.test(cell) ? `'${cell}` : cell;
}

/** The inverse of `withoutFormula`. */
export function withFormula(cell: string): string {
  return /^'[=+\-@\t\r']/.test(cell) ? cell.slice(1) : cell;
}

/**
 * A table of attributes for a spreadsheet.
 *
 * @param instants those of them that are epoch milliseconds
 */
export function csvTable<Row>(
  names: readonly (keyof Row & string)[],
  instants: readonly (keyof Row)[] = [],
): { head: string; line(row: Row): string } {
  const cell = (row: Row, name: keyof Row) => {
    const value = row[name] ?? "";
    const isInstant = typeof value === "number" && instants.includes(name);
    return withoutFormula(isInstant ? new Date(value).toISOString() : String(value));
  };
  return {
    head: csvLine(names),
    line: (row) => csvLine(names.map((name) => cell(row, name))),
  };
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
