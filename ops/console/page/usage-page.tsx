import { useState } from "preact/hooks";
import { deviceText } from "../../data/line-words.ts";
import { DaysChoice } from "./days.tsx";
import { LicenseLink, Table } from "./table.tsx";
import { useAnswer } from "./use-answer.ts";
import { codeText, countText, instantText, startOfDay } from "./words.ts";

/** Which licenses were used in a month, and who was refused: as `license usage` and `refusals`. */
export function UsagePage() {
  const [month, setMonth] = useState(() => new Date().toISOString().slice(0, 7));
  const [year = 0, number = 0] = month.split("-").map(Number);
  const since = Date.UTC(year, number - 1);
  const until = Date.UTC(year, number);
  const usage = useAnswer("usage", { since, until });
  const shown = usage.value?.licenses.slice(0, 200) ?? [];
  return (
    <article>
      <h1>Usage of a month</h1>
      <label>
        Month (UTC){" "}
        <input
          type="month"
          value={month}
          onChange={({ currentTarget }) => setMonth(currentTarget.value || month)}
        />
      </label>
      {usage.problem !== undefined && <p class="problem">{usage.problem}</p>}
      {!usage.value && usage.problem === undefined && <p class="quiet">Reading the history ...</p>}
      {usage.value && usage.problem === undefined && (
        <>
          <p class="conclusion">
            {countText(usage.value.active_licenses, "license")} active:{" "}
            {countText(usage.value.devices, "device")}, {countText(usage.value.hours, "hour")}.
          </p>
          <Table
            rows={shown}
            keyOf={(one) => one.license_id}
            columns={[
              [
                "Owner",
                ({ license_id: id, email }) => (
                  <LicenseLink id={id} text={email ?? id.slice(0, 12)} />
                ),
              ],
              ["Devices", (one) => one.devices],
              ["Days", (one) => one.days],
              ["Hours", (one) => one.hours.toFixed(1)],
              ["Claims", (one) => one.claims],
              ["Refusals", (one) => one.refusals],
              ["Failed", (one) => one.failures],
            ]}
          />
          {usage.value.licenses.length > shown.length && (
            <p class="quiet">
              The first {shown.length} of {usage.value.licenses.length}: usage --csv has all.
            </p>
          )}
        </>
      )}
      <RefusalsPart />
    </article>
  );
}

function RefusalsPart() {
  const [days, setDays] = useState(1);
  const [today] = useState(() => startOfDay(Date.now()));
  const { value, problem } = useAnswer("refusals", { since: startOfDay(today, 1 - days) });
  return (
    <section>
      <h2>Who was refused</h2>
      <DaysChoice days={days} choices={[1, 3, 7, 30]} onDays={setDays} />
      {problem !== undefined && <p class="problem">{problem}</p>}
      {value?.outages.length === 0 && <p>No request failed.</p>}
      {value?.outages.map((one) => (
        <p key={one.from} class="problem">
          The service could not answer from {instantText(one.from)} to {instantText(one.until)}:{" "}
          {countText(one.failures, "request")} of {countText(one.licenses, "license")}.
        </p>
      ))}
      {value?.devices.length === 0 && <p class="quiet">Nobody was refused.</p>}
      <Table
        rows={value?.devices.slice(0, 200) ?? []}
        keyOf={(one) => `${one.license_id} ${one.code} ${deviceText(one)}`}
        classOf={(one) => (one.unexplained > 0 ? "is-refused" : "")}
        columns={[
          ["License", ({ license_id: id }) => <LicenseLink id={id} text={id.slice(0, 12)} />],
          ["Code", ({ code }) => <span title={codeText(code)}>{code}</span>],
          ["Device", deviceText],
          ["Count", (one) => one.count],
          ["Unexplained", (one) => one.unexplained, "No line shows a device that held it"],
          ["In an outage", (one) => one.in_outage],
          ["Last", (one) => instantText(one.last_at)],
        ]}
      />
    </section>
  );
}
