import { useEffect, useRef, useState } from "preact/hooks";
import { type Answer, ask } from "./ask.ts";
import { dayText, symbolsText } from "./words.ts";

type License = Answer<"list">["licenses"][number];

const pageLength = 100;

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
      <LicenseTable licenses={found} />
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

function LicenseTable({ licenses }: { licenses: readonly License[] }) {
  if (licenses.length === 0) return null;
  return (
    <table class="licenses">
      <thead>
        <tr>
          <th>Owner</th>
          <th>Standing</th>
          <th>Type</th>
          <th>Ends</th>
          <th>Seats</th>
          <th>Devices</th>
          <th>Id</th>
        </tr>
      </thead>
      <tbody>
        {licenses.map((license) => (
          <tr key={license.license_id}>
            <td>
              <a href={`#/license/${license.license_id}`}>{license.email ?? "no address"}</a>
            </td>
            <td class={`is-${license.standing}`}>{license.standing}</td>
            <td>{license.license_type}</td>
            <td class="whole">{dayText(license.license_expiration)}</td>
            <td class="whole">
              {license.live_sessions} / {license.max_sessions}
            </td>
            <td>{devicesText(license)}</td>
            <td>
              <code>{license.license_id.slice(0, 12)}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
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
