/** The result of one part of the benchmark: rows with the same columns, and notes about them. */
export type Report = {
  title: string;
  notes: string[];
  rows: Record<string, string | number>[];
};

/** The report as text for a terminal, with each column as wide as its longest cell. */
export function asText({ title, notes, rows }: Report): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? "")))];
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((line) => (line[index] ?? "").length)),
  );
  const table = lines.map((line) =>
    line
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [title, ...notes.map((note) => `  ${note}`), "", ...table, ""].join("\n");
}
