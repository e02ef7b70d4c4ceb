import { useState } from "preact/hooks";
import { DaysChoice } from "./days.tsx";
import { useAnswer } from "./use-answer.ts";
import { codeText, countText, deviceText, instantText, startOfDay } from "./words.ts";

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
          <table>
            <thead>
              <tr>
                <th>Owner</th>
                <th>Devices</th>
                <th>Days</th>
                <th>Hours</th>
                <th>Claims</th>
                <th>Refusals</th>
                <th>Failed</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((one) => (
                <tr key={one.license_id}>
                  <td>
                    <a href={`#/license/${one.license_id}`}>
                      {one.email ?? one.license_id.slice(0, 12)}
                    </a>
                  </td>
                  <td>{one.devices}</td>
                  <td>{one.days}</td>
                  <td>{one.hours.toFixed(1)}</td>
                  <td>{one.claims}</td>
                  <td>{one.refusals}</td>
                  <td>{one.failures}</td>
                </tr>
              ))}
            </tbody>
          </table>
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
      {value && value.devices.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>License</th>
              <th>Code</th>
              <th>Device</th>
              <th>Count</th>
              <th title="No line shows a device that held it">Unexplained</th>
              <th>In an outage</th>
              <th>Last</th>
            </tr>
          </thead>
          <tbody>
            {value.devices.slice(0, 200).map((one) => (
              <tr
                key={`${one.license_id} ${one.code} ${deviceText(one)}`}
                class={one.unexplained > 0 ? "is-refused" : ""}
              >
                <td>
                  <a href={`#/license/${one.license_id}`}>{one.license_id.slice(0, 12)}</a>
                </td>
                <td title={codeText(one.code)}>{one.code}</td>
                <td>{deviceText(one)}</td>
                <td>{one.count}</td>
                <td>{one.unexplained}</td>
                <td>{one.in_outage}</td>
                <td>{instantText(one.last_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
