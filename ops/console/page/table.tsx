import type { ComponentChildren } from "preact";

export type Column<Row> = [name: string, cell: (row: Row) => ComponentChildren, title?: string];

type TableProps<Row> = {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  class?: string;
  /** The class of a row. */
  classOf?: (row: Row) => string;
  /** Whether the names of the columns are not shown. */
  headless?: true;
};

/** A table with a row for each of `rows`; nothing if there is none. */
export function Table<Row>({ rows, columns, keyOf, classOf, headless, ...more }: TableProps<Row>) {
  if (rows.length === 0) return null;
  return (
    <table class={more.class}>
      {!headless && (
        <thead>
          <tr>
            {columns.map(([name, , title]) => (
              <th key={name} title={title}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} class={classOf?.(row)}>
            {columns.map(([name, cell]) => (
              <td key={name}>{cell(row)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function LicenseLink({ id, text }: { id: string; text: string | null }) {
  return <a href={`#/license/${id}`}>{text ?? "no address"}</a>;
}
