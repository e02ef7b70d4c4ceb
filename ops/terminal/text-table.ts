/** The widest line that is printed. */
export const maxColumns = 100;

/** A column of a table that is printed while it is read: its width is known beforehand. */
export type Column = { title: string; width: number };

/** The line above a table. */
export function headLine(columns: readonly Column[]): string {
  return tableLine(
    columns,
    columns.map(({ title }) => title),
  );
}

/** One line of a table. What is too long for its column ends in `…`. */
export function tableLine(columns: readonly Column[], cells: readonly string[]): string {
  return `${columns
    .map(({ width }, index) => fitted(cells[index] ?? "", width))
    .join("  ")
    .trimEnd()}\n`;
}

/** A name and what it stands for, in as many lines as it takes. */
export function fieldLines(name: string, text: string): string {
  const indent = 18;
  const characters = [...printable(text)];
  const lines: string[] = [];
  for (let start = 0; start === 0 || start < characters.length; start += maxColumns - indent) {
    lines.push(characters.slice(start, start + maxColumns - indent).join(""));
  }
  return lines
    .map((line, index) => `${(index === 0 ? name : "").padEnd(indent)}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

/** An instant as people read it, to the second: `2027-01-31 18:00:00Z`. */
export function instantText(instantMs: number | undefined): string {
  if (instantMs === undefined) return "-";
  return new Date(instantMs).toISOString().replace("T", " ").replace(/\.\d+/, "");
}

function fitted(text: string, width: number): string {
  const characters = [...printable(text)];
  return characters.length > width
    ? `${characters.slice(0, width - 1).join("")}…`
    : characters.join("").padEnd(width);
}

/** Bots choose their device names and metadata, and must not steer an operator's terminal. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}
