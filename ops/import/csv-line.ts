/**
 * The last line of an export. A file with `license_id` in its header that does not end with it was
 * cut off, and is not imported.
 */
export const endOfExport = "#end-of-export";

/** One line of CSV. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(quoted).join(",")}\n`;
}

/** A cell that no spreadsheet takes for a formula: one that begins like one gets an apostrophe. */
export function withoutFormula(cell: string): string {
  return /^[=+\-@\t\r']/.test(cell) ? `'${cell}` : cell;
}

/** What `withoutFormula` was given. */
export function withFormula(cell: string): string {
  return /^'[=+\-@\t\r']/.test(cell) ? cell.slice(1) : cell;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
