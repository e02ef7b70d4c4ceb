import stringWidth from "string-width";

/**
 * A column of a table that is printed while it is read, so its minimum width must be known first.
 */
export type Column<Row> = {
  title: string;
  width: number;
  /** Gets a share of the terminal's width beyond the minimum widths. */
  grows?: true;
  text: (row: Row) => string;
};

type TextTable<Row> = { head: string; line(row: Row): string };

/**
 * A table as wide as the terminal. Text that is too long for its column ends in `…`. In a pipe (no
 * `terminalColumns`) nothing is truncated.
 */
export function textTable<Row>(
  columns: readonly Column<Row>[],
  terminalColumns: number | undefined,
): TextTable<Row> {
  const least = columns.reduce((sum, { width }) => sum + width + 2, -2);
  const growing = columns.filter(({ grows }) => grows).length;
  const spare = Math.max(0, (terminalColumns ?? least) - least);
  const line = (textOf: (column: Column<Row>) => string) => {
    const cells = columns.map((column) => {
      const width = column.width + (column.grows ? Math.floor(spare / growing) : 0);
      const text = printable(textOf(column));
      return padded(terminalColumns === undefined ? text : cut(text, width), width);
    });
    return `${cells.join("  ").trimEnd()}\n`;
  };
  return { head: line(({ title }) => title), line: (row) => line(({ text }) => text(row)) };
}

/** The head and all lines of a table. */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminalColumns: number | undefined,
): string {
  const { head, line } = textTable(columns, terminalColumns);
  return head + rows.map(line).join("");
}

const indent = 18;

/** Names and their values, each wrapped to the terminal's width; one line each in a pipe. */
export function fieldsText(
  fields: readonly (readonly [name: string, text: string])[],
  terminalColumns: number | undefined,
): string {
  const width = Math.max(20, (terminalColumns ?? Number.POSITIVE_INFINITY) - indent);
  return fields
    .flatMap(([name, text]) =>
      parts(printable(text), width).map((part, index) =>
        `${padded(index === 0 ? name : "", indent)}${part}`.trimEnd(),
      ),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** An id, as short as it can be typed on a terminal, and whole in a pipe. */
export function idText(id: string, { columns }: { columns: number | undefined }): string {
  return columns === undefined ? id : id.slice(0, 12);
}

/** An instant as people read it, to the second: `2027-01-31 18:00:00Z`. */
export function instantText(instantMs: number | undefined): string {
  if (instantMs === undefined) return "-";
  // An item edited by hand may contain any number.
  if (!(Math.abs(instantMs) <= 253_402_300_799_999)) return "beyond the year 9999";
  return new Date(instantMs).toISOString().replace("T", " ").replace(/\.\d+/, "");
}

/** How long ago something was, in the largest unit that fits: `12 s`, `3 min`, `5 h`, `40 d`. */
export function ageText(instantMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - instantMs) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Replaces control characters: bots choose texts that reach an operator's terminal. */
export function printable(text: string): string {
  return text.replace(steering, "?");
}

/** JSON in which characters that could control a terminal are escaped. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(steering, (found) =>
    Array.from(
      { length: found.length },
      (_, index) => `\\u${found.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

const steering = /[\p{C}\p{Zl}\p{Zp}]/gu;

function cut(text: string, width: number): string {
  return stringWidth(text) <= width ? text : `${beginning(text, width - 1)}…`;
}

/** As many whole characters as fit, but at least one. */
function beginning(text: string, width: number): string {
  if (text.length <= width && stringWidth(text) <= width) return text;
  let part = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (part !== "" && stringWidth(part + segment) > width) break;
    part += segment;
  }
  return part;
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stringWidth(text)));
}

/** The text split into parts that fit; at least one part. */
function parts(text: string, width: number): string[] {
  const part = beginning(text, width);
  const rest = text.slice(part.length);
  return rest === "" ? [part] : [part, ...parts(rest, width)];
}
