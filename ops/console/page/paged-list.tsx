import { useEffect, useRef, useState } from "preact/hooks";
import { type Answer, ask } from "./request.ts";
import { type Column, LicenseLink, Table } from "./table.tsx";
import { dayText, symbolsText } from "./words.ts";

type License = Answer<"list">["licenses"][number];

const pageLength = 100;

const columns: Column<License>[] = [
  ["Owner", ({ license_id, email }) => <LicenseLink id={license_id} text={email} />],
  ["Standing", ({ standing }) => <span class={`is-${standing}`}>{standing}</span>],
  ["Type", (one) => one.license_type],
  ["Ends", (one) => <span class="whole">{dayText(one.license_expiration)}</span>],
  ["Seats", (one) => <span class="whole">{`${one.live_sessions} / ${one.max_sessions}`}</span>],
  ["Devices", devicesText],
  ["Id", ({ license_id }) => <code>{license_id.slice(0, 12)}</code>],
];

/** Licenses, a page at a time; it reads on by itself until a page is full. */
export function PagedList({ name, body }: { name: "list" | "search"; body: object }) {
  const [found, setFound] = useState<License[]>([]);
  const [next, setNext] = useState<string | null | undefined>();
  const [read, setRead] = useState(0);
  const [wanted, setWanted] = useState(pageLength);
  const [problem, setProblem] = useState<string>();
  const question = JSON.stringify(body);
  const current = useRef("");
  useEffect(() => {
    current.current = question;
    setFound([]);
    setNext(undefined);
    setRead(0);
    setWanted(pageLength);
    setProblem(undefined);
  }, [question]);
  useEffect(() => {
    if (next === null || found.length >= wanted || problem !== undefined) return;
    const asked = question;
    const limit = Math.min(pageLength, wanted - found.length);
    ask(name, { ...body, limit, ...(next !== undefined && { after: next }) })
      .then((page) => {
        if (current.current !== asked) return;
        setFound((before) => [...before, ...page.licenses]);
        setRead((count) => count + page.read);
        setNext(page.next);
      })
      .catch((error: Error) => current.current === asked && setProblem(error.message));
  }, [question, next, wanted, problem]);
  const isDone = next === null;
  return (
    <>
      {problem !== undefined && <p class="problem">{problem}</p>}
      <Table class="licenses" rows={found} keyOf={(one) => one.license_id} columns={columns} />
      <p class="quiet" role="status">
        {found.length} found; {isDone ? `all ${read}` : read} licenses read
        {!isDone && found.length < wanted ? " ..." : "."}
      </p>
      {!isDone && found.length >= wanted && (
        <button type="button" onClick={() => setWanted(found.length + pageLength)}>
          More
        </button>
      )}
    </>
  );
}

/** Each device with what it holds. */
function devicesText({ sessions }: License): string {
  const symbols = new Map<string, string[]>();
  for (const [symbol, entry] of Object.entries(sessions)) {
    if (!("device_fingerprint" in entry)) continue;
    const device = `${entry.device_fingerprint} (${entry.state})`;
    symbols.set(device, [...(symbols.get(device) ?? []), symbol]);
  }
  return [...symbols].map(([device, held]) => `${device} ${symbolsText(held)}`).join(", ") || "-";
}
