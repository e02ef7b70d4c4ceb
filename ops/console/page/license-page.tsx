import { useMemo, useState } from "preact/hooks";
import type { Answer } from "./ask.ts";
import { ChangePanel, type WantedChange } from "./change-panel.tsx";
import { DaysChoice, ExtendForm } from "./days.tsx";
import { Timeline } from "./timeline.tsx";
import { useAnswer, useNow } from "./use-answer.ts";
import {
  codeText,
  countText,
  dayOfField,
  deviceText,
  fieldDay,
  inLocalTime,
  instantText,
  lengthText,
  monthsOf,
  startOfDay,
  symbolsText,
} from "./words.ts";

type License = Answer<"license">;
type History = Answer<"history">;
type Entry = License["sessions"][string];

type LicensePageProps = { id: string; mayChange: boolean; leadMs: number | undefined };

/** A license: standing, sessions, timeline, devices, and what may be done. */
export function LicensePage({ id, mayChange, leadMs }: LicensePageProps) {
  const { value: license, problem, again } = useAnswer("license", { id }, 5_000);
  const [wanted, setWanted] = useState<WantedChange>();
  // Thousands of bars are not drawn again with each countdown.
  const past = useMemo(() => <Past id={id} leadMs={leadMs} />, [id, leadMs]);
  if (problem !== undefined && !license) return <p class="problem">{problem}</p>;
  if (!license || license.license_id !== id) return <p class="quiet">Looking ...</p>;
  return (
    <article>
      {problem !== undefined && <p class="problem">{problem}</p>}
      <Summary license={license} leadMs={leadMs} />
      {mayChange && license.superseded_by === null && (
        <Actions license={license} onWanted={setWanted} />
      )}
      <Sessions license={license} leadMs={leadMs} mayChange={mayChange} onWanted={setWanted} />
      {past}
      {wanted && (
        <ChangePanel
          wanted={wanted}
          onClose={(newId) => {
            setWanted(undefined);
            if (newId === undefined) again();
            else location.hash = `#/license/${newId}`;
          }}
        />
      )}
    </article>
  );
}

const standings: Record<License["standing"], string> = {
  active: "Active",
  suspended: "Suspended: its bots are refused until it is activated",
  cancelled: "Cancelled: its bots are refused",
  expired: "Expired: its bots are refused",
  rekeyed: "It was given a new key; this one does not work any more",
};

function Summary({ license, leadMs }: { license: License; leadMs: number | undefined }) {
  const now = useNow(leadMs);
  const { license_expiration: ends, email, superseded_by: next, changed_by, changed_at } = license;
  const end =
    ends === null
      ? "never ends"
      : ends > now
        ? `ends in ${lengthText(ends - now)}, on ${instantText(ends)}`
        : `ended on ${instantText(ends)}`;
  return (
    <header class="summary">
      <h1>{email ?? "No address"}</h1>
      <p class={`standing is-${license.standing}`}>
        {standings[license.standing]}; {end}.
      </p>
      {next !== null && (
        <p>
          Now it is <a href={`#/license/${next}`}>{next.slice(0, 12)}</a>.
        </p>
      )}
      <dl>
        <dt>Type</dt>
        <dd>{license.license_type}</dd>
        <dt>Seats</dt>
        <dd>
          {license.live_sessions} live of {license.max_sessions}
        </dd>
        <dt>Timeout</dt>
        <dd>
          {license.session_timeout_seconds === null
            ? "the service's"
            : `${license.session_timeout_seconds} s, its own`}
        </dd>
        <dt>Created</dt>
        <dd>{instantText(license.created_at)}</dd>
        <dt>Last change</dt>
        <dd>
          {changed_at === null
            ? "-"
            : `${instantText(changed_at)} by ${changed_by}${license.change_reason === null ? "" : `: ${license.change_reason}`}`}
        </dd>
        <dt>Id</dt>
        <dd>
          <code>{license.license_id}</code>
        </dd>
      </dl>
    </header>
  );
}

function Actions({
  license,
  onWanted,
}: {
  license: License;
  onWanted: (wanted: WantedChange) => void;
}) {
  const { license_id: id, status, license_expiration } = license;
  const other = status === "active" ? "suspend" : "activate";
  return (
    <div class="actions">
      {license_expiration !== null && (
        <ExtendForm
          button="Extend by"
          onDays={(days) =>
            onWanted({ title: `Extend by ${days} days`, body: { verb: "extend", id, days } })
          }
        />
      )}
      <button
        type="button"
        onClick={() =>
          onWanted({
            title: other === "suspend" ? "Suspend" : "Activate",
            body: { verb: other, id },
          })
        }
      >
        {other === "suspend" ? "Suspend ..." : "Activate ..."}
      </button>
      <button
        type="button"
        onClick={() => onWanted({ title: "Give it a new key", body: { verb: "rekey", id } })}
      >
        New key ...
      </button>
    </div>
  );
}

type SessionsProps = {
  license: License;
  leadMs: number | undefined;
  mayChange: boolean;
  onWanted: (wanted: WantedChange) => void;
};

function Sessions({ license, leadMs, mayChange, onWanted }: SessionsProps) {
  const now = useNow(leadMs);
  const sessions = sessionsOf(license);
  return (
    <section>
      <h2>Sessions</h2>
      {sessions.length === 0 && <p class="quiet">No device holds it.</p>}
      {sessions.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>Symbol</th>
              <th>Device</th>
              <th>State</th>
              <th>Started</th>
              <th>Last heartbeat</th>
              <th>Bot</th>
              {mayChange && <th />}
            </tr>
          </thead>
          <tbody>
            {sessions.map(({ symbols, entry }) => {
              const facts = factsOf(entry);
              return (
                <tr key={symbols[0]}>
                  <td>{symbols.join(" ")}</td>
                  <td>
                    {facts.device} <small>{entry.device_hash}</small>
                  </td>
                  <td>{stateText(entry, now)}</td>
                  <td>{instantText(facts.startedAt)}</td>
                  <td>{facts.beatAt === null ? "-" : `${lengthText(now - facts.beatAt)} ago`}</td>
                  <td>
                    {[entry.bot_version, entry.bot_status].filter(Boolean).join(", ") || "-"}
                    {entry.metadata !== null && <code class="report">{entry.metadata}</code>}
                  </td>
                  {mayChange && (
                    <td>
                      {entry.seconds_left > 0 && (
                        <button
                          type="button"
                          onClick={() =>
                            onWanted({
                              title: `Free ${symbolsText(symbols)} now`,
                              body: {
                                ...{ verb: "end-session", id: license.license_id },
                                ...{ symbol: symbols, now: true },
                              },
                            })
                          }
                        >
                          Free it now ...
                        </button>
                      )}
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Each session with its symbols, the live ones first. A heartbeat moves none from its place. */
function sessionsOf({ sessions }: License): { symbols: string[]; entry: Entry }[] {
  const found = new Map<unknown, { symbols: string[]; entry: Entry }>();
  for (const [symbol, entry] of Object.entries(sessions)) {
    const id = "session_id" in entry ? entry.session_id : symbol;
    const known = found.get(id);
    if (known) known.symbols.push(symbol);
    else found.set(id, { symbols: [symbol], entry });
  }
  const isOver = ({ entry }: { entry: Entry }) => Number(entry.state !== "live");
  const nameOf = ({ symbols }: { symbols: string[] }) => symbols[0] ?? "";
  return [...found.values()].sort(
    (a, b) => isOver(a) - isOver(b) || nameOf(a).localeCompare(nameOf(b)),
  );
}

function factsOf(entry: Entry) {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const number = (value: unknown) => (typeof value === "number" ? value : null);
  const stored: Record<string, unknown> = { ...entry };
  return {
    device: text(stored.device_fingerprint) ?? text(stored.vacated_by) ?? "-",
    startedAt: number(stored.started_at),
    beatAt: number(stored.last_heartbeat),
  };
}

function stateText(entry: Entry, now: number): string {
  const left = Math.max(0, Math.ceil((freeAt(entry) - now) / 1000));
  switch (entry.state) {
    case "live":
      return left > 0 ? `live; free for another device in ${left} s` : "live; free in a moment";
    case "lapsed":
      return left > 0 ? `lapsed; free in ${left} s` : "lapsed: free";
    case "ended":
      return left > 0 ? `ended by an operator; free in ${left} s` : "ended by an operator: free";
    case "released":
      return left > 0 ? `released; free in ${left} s` : "released: free";
    case "unreadable":
      return "unreadable: end it with the command line";
  }
}

function freeAt(entry: Entry): number {
  const { lapses_at } = entry;
  const contested = "contested_until" in entry ? (entry.contested_until ?? 0) : 0;
  return Math.max(lapses_at, contested);
}

type Range = { from: number; until: number };

function Past({ id, leadMs }: { id: string; leadMs: number | undefined }) {
  const now = useNow(leadMs, 30_000);
  const [span, setSpan] = useState<"day" | "week">("day");
  const [day, setDay] = useState(() => startOfDay(now));
  const from = span === "day" ? day : startOfDay(day, -6);
  const until = startOfDay(day, 1);
  const isPast = until <= now;
  const body = { id, since: from, ...(isPast && { until }) };
  const {
    value: history,
    problem,
    isAsking,
  } = useAnswer("history", body, isPast ? undefined : 30_000);
  const move = (days: number) => setDay(startOfDay(day, days));
  const step = span === "day" ? 1 : 7;
  const onKey = (key: string) => {
    if (key === "d") setSpan("day");
    if (key === "w") setSpan("week");
    if (key === "t") setDay(startOfDay(now));
  };
  return (
    <>
      <section>
        <h2>Who held it</h2>
        <div class="range">
          <button type="button" aria-label={`${span} before`} onClick={() => move(-step)}>
            ‹
          </button>
          <input
            type="date"
            aria-label="day"
            value={fieldDay(day)}
            onChange={({ currentTarget }) => setDay(dayOfField(currentTarget.value) ?? day)}
          />
          <button type="button" aria-label={`${span} after`} onClick={() => move(step)}>
            ›
          </button>
          <button type="button" onClick={() => setDay(startOfDay(now))}>
            Today
          </button>
          <label>
            <input type="radio" checked={span === "day"} onChange={() => setSpan("day")} /> day
          </label>
          <label>
            <input type="radio" checked={span === "week"} onChange={() => setSpan("week")} /> week
          </label>
          {isAsking && <span class="quiet">reading ...</span>}
        </div>
        {problem !== undefined && <p class="problem">{problem}</p>}
        {history && problem === undefined && (
          <Timeline history={history} from={from} until={until} onKey={onKey} />
        )}
        {history && problem === undefined && <Happened history={history} range={{ from, until }} />}
      </section>
      <SharingOf id={id} now={startOfDay(now)} />
    </>
  );
}

const mostShown = 200;

function Happened({ history, range }: { history: History; range: Range }) {
  const rows = history.lines.filter(
    (line) => line.atMs >= range.from && line.atMs < range.until && !isDaily(line),
  );
  return (
    <details open={rows.length > 0 && rows.length <= 30}>
      <summary>What happened: {countText(rows.length, "line")}</summary>
      <table class="happened">
        <tbody>
          {rows.slice(-mostShown).map((line, at) => {
            const [what, who, details] = cellsOf(line);
            return (
              <tr key={`${line.atMs} ${what} ${at}`} class={"code" in line ? "is-refused" : ""}>
                <td class="whole">{instantText(line.atMs)}</td>
                <td>{what}</td>
                <td>{"symbol" in line || "symbols" in line ? namedSymbols(line) : "-"}</td>
                <td>{who}</td>
                <td>{details}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length > mostShown && <p class="quiet">The last {mostShown} are shown.</p>}
    </details>
  );
}

type Line = History["lines"][number];

function isDaily(line: Line): boolean {
  return "event" in line && line.event === "session_active";
}

function namedSymbols(line: {
  symbol?: string | null | undefined;
  symbols?: string[] | undefined;
}): string {
  return line.symbols?.join(" ") ?? line.symbol ?? "*";
}

function cellsOf(line: Line): [what: string, who: string, details: string] {
  if ("code" in line) {
    return [line.code, deviceText(line), codeText(line.code)];
  }
  switch (line.event) {
    case "session_claimed":
      return ["claimed", deviceText(line), `token ${line.fencing_token}`];
    case "holder_asked":
      return [
        "asked",
        deviceText(line),
        `for ${line.holders.map(deviceText).join(", ")} to release`,
      ];
    case "holder_told":
    case "session_kept": {
      const asker = line.asked_by ? `asked by ${line.asked_by}` : "";
      return [line.event === "holder_told" ? "told" : "kept", deviceText(line), asker];
    }
    case "session_active":
      return ["active", deviceText(line), ""];
    case "session_released":
      return [
        "released",
        deviceText(line),
        [
          line.free_in_seconds > 0 ? `free after ${line.free_in_seconds} s` : "",
          line.asked_by ? `yielded to ${line.asked_by}` : "",
        ]
          .filter(Boolean)
          .join("; "),
      ];
    case "license_changed":
      return [
        line.verb,
        line.by,
        [inLocalTime(line.changes.join(", ")), line.reason].filter(Boolean).join("; "),
      ];
  }
}

function SharingOf({ id, now }: { id: string; now: number }) {
  const [days, setDays] = useState(30);
  const { value: history, problem } = useAnswer("history", { id, since: startOfDay(now, -days) });
  return (
    <section class="sharing">
      <h2>Is the key shared?</h2>
      <DaysChoice days={days} choices={[7, 30, 92, 400]} onDays={setDays} />
      {problem !== undefined && <p class="problem">{problem}</p>}
      {history && (
        <>
          <p class="conclusion">{history.conclusion}</p>
          {history.devices.length > 0 && <Devices history={history} />}
          <Months history={history} />
          {history.caveats.map((caveat) => (
            <p key={caveat} class="quiet">
              {caveat}
            </p>
          ))}
        </>
      )}
    </section>
  );
}

function Devices({ history }: { history: History }) {
  return (
    <table>
      <thead>
        <tr>
          <th>Device</th>
          <th>Claims</th>
          <th>Took over</th>
          <th>Refused while another held it, unasked</th>
          <th>All refusals</th>
          <th>Failed</th>
          <th>Last</th>
        </tr>
      </thead>
      <tbody>
        {history.devices.map((one) => (
          <tr key={deviceText(one)}>
            <td>{deviceText(one)}</td>
            <td>{one.claims}</td>
            <td>{one.takeovers}</td>
            <td>{one.overlaps}</td>
            <td>
              {Object.entries(one.refusals)
                .map(([code, count]) => `${count} ${code}`)
                .join(", ") || "-"}
            </td>
            <td>{one.failures}</td>
            <td>{instantText(one.last_at)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Months({ history }: { history: History }) {
  const months = new Map<string, Set<string>>();
  for (const hold of history.holds)
    for (const name of monthsOf(hold))
      months.set(name, (months.get(name) ?? new Set()).add(deviceText(hold)));
  const texts = [...months].map(
    ([name, devices]) => `${name}: ${countText(devices.size, "device")}`,
  );
  return texts.length > 0 ? <p>{texts.join("; ")}.</p> : null;
}
