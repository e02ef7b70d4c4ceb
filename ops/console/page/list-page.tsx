import { useState } from "preact/hooks";
import { ChangePanel, type WantedChange } from "./change-panel.tsx";
import { ExtendForm } from "./days.tsx";
import { PagedList } from "./paged-list.tsx";
import { type Answer, ask } from "./request.ts";

const noFilter = { status: "", type: "", version: "", expiringWithin: "" };

/** The list, with the filters of `license list`, and its export. */
export function ListPage({ mayChange }: { mayChange: boolean }) {
  const [wanted, setWanted] = useState<WantedChange>();
  const [changes, setChanges] = useState(0);
  const [filters, setFilters] = useState(noFilter);
  const [exported, setExported] = useState<string>();
  const given = { ...filters, expiringWithin: Number(filters.expiringWithin) };
  const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
  const field = (name: keyof typeof noFilter) => ({
    value: filters[name],
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement | HTMLSelectElement }) =>
      setFilters({ ...filters, [name]: currentTarget.value }),
  });

  async function exportCsv(): Promise<void> {
    let text = "";
    let after: string | null = null;
    try {
      do {
        const page: Answer<"csv"> = await ask("csv", {
          ...body,
          limit: 500,
          ...(after !== null && { after }),
        });
        text += text === "" ? page.head + page.lines : page.lines;
        after = page.next;
        setExported(`${text.split("\n").length - 2} licenses ...`);
      } while (after !== null);
    } catch (error) {
      setExported(error instanceof Error ? error.message : String(error));
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = "licenses.csv";
    link.click();
    URL.revokeObjectURL(link.href);
    setExported(`${text.split("\n").length - 2} licenses in licenses.csv.`);
  }

  return (
    <article>
      <h1>Licenses</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Standing
          <select {...field("status")}>
            <option value="">any</option>
            {["active", "suspended", "cancelled", "expired", "rekeyed"].map((status) => (
              <option key={status}>{status}</option>
            ))}
          </select>
        </label>
        <label>
          Type <input {...field("type")} />
        </label>
        <label>
          Bot version <input {...field("version")} />
        </label>
        <label>
          Ends within <input type="number" min="1" max="36500" {...field("expiringWithin")} /> days
        </label>
        <button type="button" onClick={exportCsv}>
          Export CSV
        </button>
        {exported !== undefined && <span role="status">{exported}</span>}
      </form>
      {mayChange && Object.keys(body).length > 0 && (
        <ExtendForm
          class="actions"
          button="Extend all of them by"
          onDays={(days) => {
            const change = { verb: "extend", selection: body, days };
            setWanted({ title: `Extend all of them by ${days} days`, body: change });
          }}
        />
      )}
      {wanted && (
        <ChangePanel
          wanted={wanted}
          onClose={() => {
            setWanted(undefined);
            setChanges(changes + 1);
          }}
        />
      )}
      <PagedList key={changes} name="list" body={body} />
    </article>
  );
}
