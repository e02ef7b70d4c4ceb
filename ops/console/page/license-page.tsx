import { type ComponentChildren, Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";
import { deviceText, lineWords } from "../../data/line-words.ts";
import { ChangePanel, type WantedChange } from "./change-panel.tsx";
import { DaysChoice, ExtendForm } from "./days.tsx";
import type { Answer } from "./request.ts";
import { type Column, LicenseLink, Table } from "./table.tsx";
import { Timeline } from "./timeline.tsx";
import { useAnswer, useNow } from "./use-answer.ts";
import {
  codeText,
  countText,
  dayOfField,
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
  const timeout = license.session_timeout_seconds;
  const reason = license.change_reason === null ? "" : `: ${license.change_reason}`;
  const facts: [name: string, text: ComponentChildren][] = [
    ["Type", license.license_type],
    ["Seats", `${license.live_sessions} live of ${license.max_sessions}`],
    ["Timeout", timeout === null ? "the service's" : `${timeout} s, its own`],
    ["Created", instantText(license.created_at)],
    ["Last change", changed_at ? `${instantText(changed_at)} by ${changed_by}${reason}` : "-"],
    ["Id", <code key="id">{license.license_id}</code>],
  ];
  return (
    <header class="summary">
      <h1>{email ?? "No address"}</h1>
      <p class={`standing is-${license.standing}`}>
        {standings[license.standing]}; {end}.
      </p>
      {next !== null && (
        <p>
          Now it is <LicenseLink id={next} text={next.slice(0, 12)} />.
        </p>
      )}
      <dl>
        {facts.map(([name, text]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </Fragment>
        ))}
      </dl>
    </header>
  );
}

function Actions({ license, onWanted }: Pick<SessionsProps, "license" | "onWanted">) {
  const { license_id: id, status, license_expiration } = license;
  const [verb, title] = status === "active" ? ["suspend", "Suspend"] : ["activate", "Activate"];
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
      <button type="button" onClick={() => onWanted({ title, body: { verb, id } })}>
        {title} ...
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
  const rows = sessionsOf(license);
  const freed = (symbols: string[]): WantedChange => ({
    title: `Free ${symbolsText(symbols)} now`,
    body: { verb: "end-session", id: license.license_id, symbol: symbols, now: true },
  });
  const freeing: Column<(typeof rows)[number]> = [
    "",
    ({ symbols, entry }) =>
      entry.seconds_left > 0 && (
        <button type="button" onClick={() => onWanted(freed(symbols))}>
          Free it now ...
        </button>
      ),
  ];
  return (
    <section>
      <h2>Sessions</h2>
      {rows.length === 0 && <p class="quiet">No device holds it.</p>}
      <Table
        rows={rows}
        keyOf={({ symbols }) => symbols[0] ?? ""}
        columns={[
          ["Symbol", ({ symbols }) => symbols.join(" ")],
          [
            "Device",
            ({ device, entry }) => (
              <>
                {device} <small>{entry.device_hash}</small>
              </>
            ),
          ],
          ["State", ({ entry }) => stateText(entry, now)],
          ["Started", ({ startedAt }) => instantText(startedAt)],
          ["Last heartbeat", ({ beatAt }) => (beatAt ? `${lengthText(now - beatAt)} ago` : "-")],
          ["Bot", ({ entry }) => <Bot entry={entry} />],
          ...(mayChange ? [freeing] : []),
        ]}
      />
    </section>
  );
}

function Bot({ entry: { bot_version, bot_status, metadata } }: { entry: Entry }) {
  return (
    <>
      {[bot_version, bot_status].filter(Boolean).join(", ") || "-"}
      {metadata !== null && <code class="report">{metadata}</code>}
    </>
  );
}

/** Each session with its symbols, the live ones first. A heartbeat moves none from its place. */
function sessionsOf({ sessions }: License) {
  const found = new Map<unknown, { symbols: string[]; entry: Entry }>();
  for (const [symbol, entry] of Object.entries(sessions)) {
    const id = "session_id" in entry ? entry.session_id : symbol;
    const known = found.get(id);
    if (known) known.symbols.push(symbol);
    else found.set(id, { symbols: [symbol], entry });
  }
  const isOver = ({ entry }: { entry: Entry }) => Number(entry.state !== "live");
  const nameOf = ({ symbols }: { symbols: string[] }) => symbols[0] ?? "";
  return [...found.values()]
    .sort((a, b) => isOver(a) - isOver(b) || nameOf(a).localeCompare(nameOf(b)))
    .map(({ symbols, entry }) => ({
      symbols,
      entry,
      device:
        ("device_fingerprint" in entry && entry.device_fingerprint) ||
        ("vacated_by" in entry && entry.vacated_by) ||
        "-",
      startedAt: ("started_at" in entry && entry.started_at) || null,
      beatAt: ("last_heartbeat" in entry && entry.last_heartbeat) || null,
    }));
}

const overTexts = { lapsed: "lapsed", ended: "ended by an operator", released: "released" };

function stateText(entry: Entry, now: number): string {
  if (entry.state === "unreadable") return "unreadable: end it with the command line";
  const left = Math.max(0, Math.ceil((freeAt(entry) - now) / 1000));
  if (entry.state === "live") {
    return left > 0 ? `live; free for another device in ${left} s` : "live; free in a moment";
  }
  const over = overTexts[entry.state];
  return left > 0 ? `${over}; free in ${left} s` : `${over}: free`;
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
  const rows = history.lines.flatMap((line, at) => {
    const words = lineWords(line, instantText);
    if (!words || line.atMs < range.from || line.atMs >= range.until) return [];
    return [{ ...words, at, atMs: line.atMs, code: "code" in line ? line.code : undefined }];
  });
  return (
    <details open={rows.length > 0 && rows.length <= 30}>
      <summary>What happened: {countText(rows.length, "line")}</summary>
      <Table
        headless
        rows={rows.slice(-mostShown)}
        keyOf={(one) => String(one.at)}
        classOf={({ code }) => (code ? "is-refused" : "")}
        columns={[
          ["When", ({ atMs }) => <span class="whole">{instantText(atMs)}</span>],
          ["What", ({ what }) => what],
          ["Symbol", ({ symbols }) => symbols],
          ["Who", ({ who }) => who],
          ["Details", ({ code, details }) => (code ? codeText(code) : inLocalTime(details))],
        ]}
      />
      {rows.length > mostShown && <p class="quiet">The last {mostShown} are shown.</p>}
    </details>
  );
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
          <Table rows={history.devices} keyOf={deviceText} columns={devicesColumns} />
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

const devicesColumns: Column<History["devices"][number]>[] = [
  ["Device", deviceText],
  ["Claims", (one) => one.claims],
  ["Took over", (one) => one.takeovers],
  ["Refused while another held it, unasked", (one) => one.overlaps],
  ["All refusals", ({ refusals }) => refusalsText(refusals)],
  ["Failed", (one) => one.failures],
  ["Last", (one) => instantText(one.last_at)],
];

function refusalsText(refusals: Record<string, number>): string {
  const counts = Object.entries(refusals).map(([code, count]) => `${count} ${code}`);
  return counts.join(", ") || "-";
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
