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
export function withoutFormula(cell: string): string {
  return /^[=+\-@\t\r']/.test(cell) ? `'${cell}` : cell;
}

/** The inverse of `withoutFormula`. */
export function withFormula(cell: string): string {
  return /^'[=+\-@\t\r']/.test(cell) ? cell.slice(1) : cell;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
