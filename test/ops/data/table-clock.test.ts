import { expect, test } from "vitest";
import { openTableClock } from "../../../ops/data/table-clock.ts";
import { withTable } from "../../../ops/data/with-table.ts";
import { serving } from "../serving.ts";

test("the time is that of the table's answers, not of the operator's machine", async () => {
  const endpoint = await serving((_request, response) => {
    response.sendDate = false;
    response.writeHead(200, {
      "content-type": "application/x-amz-json-1.0",
      date: "Tue, 02 Jan 2035 03:04:05 GMT",
    });
    response.end("{}");
  });
  const clock = openTableClock();
  const variables = { DYNAMODB_ENDPOINT: endpoint };
  const nowMs = await withTable({}, variables, async () => clock.nowMs(), clock);
  expect(new Date(nowMs).toISOString().slice(0, 16)).toBe("2035-01-02T03:04");
});

test("an answer without a readable date changes nothing", () => {
  const clock = openTableClock();
  clock.learn("soon");
  clock.learn(undefined);
  expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(60_000);
});
