import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { codesOf, routes as contract } from "../../contract/routes.ts";
import { type RouteName, routes } from "../../infra/routes.ts";
import { formatLogLine } from "../../local/functions/function-log.ts";
import { filterMatches, selected } from "../support/filter-matches.ts";
import { stackTemplate } from "../support/stack-template.ts";
import { brokenHandlers } from "../support/test-service.ts";

const template = stackTemplate();

const routeIds = Object.values(routes).map(({ id }) => id);

const filters = Object.values(template.findResources("AWS::Logs::MetricFilter")).map(
  ({ Properties }) => Properties,
);

type Widget = {
  properties: {
    title?: string;
    markdown?: string;
    metrics?: unknown[][];
    annotations?: { horizontal: { value: number }[] };
    query?: string;
  };
};

function widgetsOf(of = template): Widget[] {
  const [dashboard] = Object.values(of.findResources("AWS::CloudWatch::Dashboard"));
  const [, parts] = dashboard?.Properties.DashboardBody["Fn::Join"] ?? [];
  const body = parts.map((part: unknown) => (typeof part === "string" ? part : "TOKEN")).join("");
  return JSON.parse(body).widgets;
}

function widget(title: string, of = template): Widget["properties"] {
  const found = widgetsOf(of).find(({ properties }) => properties.title === title);
  if (!found) throw new Error(`There is no widget ${title}`);
  return found.properties;
}

describe("refusals and failures as metrics", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const nowMs = Date.UTC(2026, 10, 29);
  const handlers = brokenHandlers(nowMs);
  const readable = {
    license_key: "KEY-THAT-NOBODY-MAY-READ",
    device_fingerprint: "device-a-0123456789",
    session_id: "session-1",
    symbol: "ES",
  };

  /** The line that Lambda writes, in its JSON log format, for what a function logs. */
  async function lineOf(name: RouteName, body: string, timeEpoch = nowMs): Promise<unknown> {
    let line = "";
    for (const [level, method] of [
      ["INFO", "info"],
      ["ERROR", "error"],
    ] as const) {
      vi.spyOn(console, method).mockImplementation((...values) => {
        line = formatLogLine(level, values, "request-1", new Date(nowMs));
      });
    }
    const event = { body, isBase64Encoded: false, requestContext: { timeEpoch } };
    await handlers[name](event, { awsRequestId: "request-1" });
    return JSON.parse(line);
  }

  /** What is counted of a line of a function, or of the access log. */
  function counted(logGroup: string, line: unknown) {
    return filters
      .filter(({ LogGroupName }) => LogGroupName.Ref.includes(logGroup))
      .filter(({ FilterPattern }) => filterMatches(FilterPattern, line))
      .flatMap(({ MetricTransformations }) => MetricTransformations)
      .map(({ MetricNamespace, MetricName, MetricValue, Dimensions = [] }) => {
        expect(MetricNamespace).toBe("LicenseSessions");
        const value = MetricValue === "1" ? 1 : selected(MetricValue, line);
        const codes = Dimensions.map(({ Value }: { Value: string }) => selected(Value, line));
        return [MetricName, ...codes, value];
      });
  }

  const answered = (name: RouteName) => (name === "claim" ? [["ClaimsAnswered", 1]] : []);
  const named = (["claim", "heartbeat", "release"] as const).map(
    (name) => [routes[name].id, name] as const,
  );

  test.for(named)(
    "each line that %s really writes is counted under its code",
    async ([id, name]) => {
      const unreadable = await lineOf(name, "{");
      expect(counted(id, unreadable)).toEqual([
        [`${id}Refusals`, "bad_request", 1],
        ...answered(name),
      ]);
      const failing = await lineOf(name, JSON.stringify(readable));
      expect(counted(id, failing)).toEqual([
        [`${id}Refusals`, "internal_error", 1],
        ...answered(name),
      ]);
    },
  );

  test.for(named)("a wrong clock of %s is counted", async ([id, name]) => {
    const refusing = await lineOf(name, JSON.stringify(readable), nowMs - 3_600_000);
    expect(counted(id, refusing)).toEqual([
      [`${id}Refusals`, "internal_error", 1],
      ["ClockSkew", 1],
      ...answered(name),
    ]);
  });

  test("a claim that is answered 401 is counted apart from one that is answered 403", () => {
    const line = (code: string, status: number) => ({ message: { code, status } });
    const unknown = line("license_unknown", 401);
    expect(counted("Validate", unknown)).toContainEqual(["ClaimsRefused", 1]);
    expect(counted("Heartbeat", unknown)).toHaveLength(1);
    expect(counted("Validate", line("session_conflict", 403))).toEqual([
      ["ValidateRefusals", "session_conflict", 1],
      ["ClaimsAnswered", 1],
    ]);
  });

  test("a heartbeat of a legacy bot is counted for all those that it stands for", () => {
    const message = { event: "legacy_heartbeat", legacy: true, weight: 64 };
    expect(counted("Heartbeat", { message })).toEqual([["LegacyHeartbeats", 64]]);
  });

  test("a line of the history counts as no refusal, that of a grant as a claim answered", () => {
    const line = (event: string) => ({ message: { event } });
    expect(counted("Validate", line("session_claimed"))).toEqual([["ClaimsAnswered", 1]]);
    expect(counted("Validate", line("holder_asked"))).toEqual([]);
  });

  test("a 429 is counted from the access log, which has its status as text", () => {
    const [stage] = Object.values(template.findResources("AWS::ApiGatewayV2::Stage"));
    const format = JSON.parse(stage?.Properties.AccessLogSettings.Format);
    expect(format.status).toBe("$context.status");
    expect(counted("AccessLogs", { ...format, status: "429" })).toEqual([["TooManyRequests", 1]]);
    expect(counted("AccessLogs", { ...format, status: "500" })).toEqual([]);
  });

  test("a 403 of a claim or a check is counted from the access log, and no other 403", () => {
    const line = (path: string, status: string) => ({ routeKey: `POST ${path}`, status });
    const { claim, heartbeat } = routes;
    expect(counted("AccessLogs", line(claim.path, "403"))).toEqual([["ClaimsInConflict", 1]]);
    expect(counted("AccessLogs", line(claim.path, "401"))).toEqual([]);
    expect(counted("AccessLogs", line(heartbeat.path, "403"))).toEqual([]);
  });
});

describe("the dashboard", () => {
  test.for([
    ["Requests", ["Count"]],
    [
      "Percent of requests answered 4xx or 5xx, without waiting claims",
      ["4xx", "5xx", "ClaimsInConflict"],
    ],
    ["Percent of claims answered 401", ["ClaimsRefused", "ClaimsAnswered"]],
    ["Requests answered 429", ["TooManyRequests"]],
    ["internal_error of the functions", ["internal_error", "HeartbeatRefusals"]],
    ["Wrong clocks", ["ClockSkew"]],
    ["4xx and 5xx of the API", ["4xx", "5xx"]],
    ["Latency of the API (ms)", ["Latency", "p50", "p99"]],
    ["Errors of the functions", routeIds],
    ["Throttles of the functions", routeIds],
    ["Duration of the functions (ms)", ["Heartbeat p50", "Heartbeat p99"]],
    ["Capacity units the table consumed", ["ConsumedWriteCapacityUnits", "written"]],
    ["Throttles of the table", ["ThrottledRequests", "UpdateItem", "GetItem"]],
    ["System errors of the table", ["SystemErrors"]],
  ] satisfies [string, string[]][])("shows %s", ([title, words]) => {
    const metrics = JSON.stringify(widget(title).metrics);
    for (const word of words) expect(metrics).toContain(`"${word}"`);
  });

  test.for(routeIds)("shows the refusals of %s, whatever their code", (name) => {
    const { metrics } = widget(`${name}: refusals and failures by code`);
    expect(JSON.stringify(metrics)).toContain("LicenseSessions");
    expect(JSON.stringify(metrics)).toContain(`${name}Refusals`);
  });

  test("shows how many legacy bots are left, where they are served", () => {
    const title = "Legacy bots, estimated";
    expect(() => widget(title)).toThrow(title);
    const metrics = JSON.stringify(widget(title, stackTemplate({ legacyBots: true })).metrics);
    expect(metrics).toContain("beats / 180");
    expect(metrics).toContain('"LegacyHeartbeats"');
  });

  test("every threshold of an alarm is drawn in", () => {
    const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm"));
    const watched = new Set(alarms.map(({ Properties }) => Properties.Threshold));
    const drawn = widgetsOf().flatMap(({ properties }) =>
      (properties.annotations?.horizontal ?? []).map(({ value }) => value),
    );
    expect(new Set(drawn)).toEqual(watched);
    expect(drawn).toHaveLength(12);
  });

  test("says at the top which commit is deployed", () => {
    expect(widgetsOf()[0]?.properties.markdown).toBe("Deployed: commit unknown");
  });

  test("shows the latest refusals of all functions", () => {
    const { query } = widget("The latest refusals and failures");
    expect(query?.match(/SOURCE/g)).toHaveLength(routeIds.length);
    expect(query).toContain("message.code");
  });
});

describe("the runbook", () => {
  const runbook = readFileSync(join(import.meta.dirname, "../../docs/alarms.md"), "utf8");

  test.for([...new Set(contract.flatMap(({ answers }) => answers.flatMap(codesOf)))])(
    "has the code %s",
    (code) => {
      expect(runbook).toMatch(new RegExp(`^\\| .*\`${code}\``, "m"));
    },
  );

  test("has the query of the dashboard", () => {
    const { query = "" } = widget("The latest refusals and failures");
    const lines = query.split(" | fields ").at(-1) ?? "";
    expect(runbook).toContain(`fields ${lines}`);
  });
});
