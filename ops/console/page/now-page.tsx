import type { Answer } from "./request.ts";
import { type Column, LicenseLink, Table } from "./table.tsx";
import { useAnswer, useLead, useNow } from "./use-answer.ts";
import { codeText, countText, instantText, lengthText } from "./words.ts";

type Now = Answer<"now">;

/** The service at a glance: as `license now`. */
export function NowPage() {
  const { value, problem } = useAnswer("now", {}, 60_000);
  const now = useNow(useLead(value?.at));
  if (problem !== undefined) return <p class="problem">{problem}</p>;
  if (!value) return <p class="quiet">Reading all licenses ...</p>;
  const { online, by_version, refusals, outages, standings, ending_soon, history } = value;
  return (
    <article>
      <h1>Now</h1>
      <p class={`service is-${value.service.state}`}>{stateText(value.service, now)}</p>
      <div class="cards">
        <section>
          <h2>Online</h2>
          <p class="big">{online.sessions}</p>
          <p>
            {online.sessions === 1 ? "session" : "sessions"} of{" "}
            {countText(online.devices, "device")}, {countText(online.licenses, "license")}
          </p>
          <Counts
            rows={by_version.map(({ version, sessions }) => [version ?? "no version", sessions])}
          />
        </section>
        <section>
          <h2>Refused, 24 hours</h2>
          {history !== null && <p class="problem">{history}</p>}
          {refusals.length === 0 && history === null && <p class="quiet">Nobody.</p>}
          <Counts
            rows={refusals.map(({ code, count }) => [`${codeText(code)} (${code})`, count])}
          />
          {outages.map((one) => (
            <p key={one.from} class="problem">
              {countText(one.failures, "request")} failed from {instantText(one.from)} to{" "}
              {instantText(one.until)}
            </p>
          ))}
        </section>
        <section>
          <h2>Licenses</h2>
          <Counts rows={Object.entries(standings)} />
        </section>
      </div>
      <section>
        <h2>End within 7 days</h2>
        {ending_soon.length === 0 && <p class="quiet">None.</p>}
        <Table
          headless
          rows={ending_soon}
          keyOf={(one) => one.license_id}
          columns={[
            ["Owner", (one) => <LicenseLink id={one.license_id} text={one.email} />],
            ["In", (one) => `in ${lengthText(one.license_expiration - now)}`],
            ["On", (one) => instantText(one.license_expiration)],
          ]}
        />
      </section>
    </article>
  );
}

function Counts({ rows }: { rows: [string, number][] }) {
  const columns: Column<[string, number]>[] = [
    ["Name", ([name]) => name],
    ["Count", ([, count]) => count],
  ];
  return <Table headless class="counts" rows={rows} keyOf={([name]) => name} columns={columns} />;
}

function stateText({ state, since }: Now["service"], now: number): string {
  switch (state) {
    case "answering":
      return since === null
        ? "The service answers; no request failed in the last 24 hours."
        : `The service answers, since ${instantText(since)} (${lengthText(now - since)}).`;
    case "failing":
      return `Requests fail, since ${instantText(since)}.`;
    case "quiet":
      return since === null
        ? "No bot is live, and none ever was."
        : `No bot is live; the last heartbeat came at ${instantText(since)}, ${lengthText(now - since)} ago.`;
  }
}
