import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { toHandler } from "../../lambdas/http/answer-request.ts";
import { callerSchema } from "../../lambdas/request.ts";
import { ClockSkew } from "../../lambdas/store/clock-skew.ts";
import { formatLogLine } from "../../local/functions/function-log.ts";
import { filterMatches, selected } from "../support/filter-matches.ts";
import { stackTemplate } from "../support/stack-template.ts";

const template = stackTemplate();

const filters = Object.values(template.findResources("AWS::Logs::MetricFilter")).map(
  ({ Properties }) => Properties,
);

type Widget = {
  properties: {
    title: string;
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

  /** The line that Lambda writes, in its JSON log format, for what a function logs. */
  async function lineOf(answer: () => Promise<never>, body: string): Promise<unknown> {
    let line = "";
    for (const [level, method] of [
      ["INFO", "info"],
      ["ERROR", "error"],
    ] as const) {
      vi.spyOn(console, method).mockImplementation((...values) => {
        line = formatLogLine(level, values, "request-1", new Date());
      });
    }
    const fieldsOf = { badRequest: {}, internalError: {} };
    const handler = toHandler(
      { schema: callerSchema, maxBytesOfText: {}, fieldsOf, answer },
      { now: Date.now },
    );
    await handler({ body, isBase64Encoded: false }, { awsRequestId: "request-1" });
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

  test.for(["Validate", "Heartbeat", "Release"])(
    "each line that %s really writes is counted under its code",
    async (name) => {
      const unreadable = await lineOf(() => Promise.reject(new Error("not asked")), "{");
      expect(counted(name, unreadable)).toEqual([[`${name}Refusals`, "bad_request", 1]]);
      const failing = await lineOf(
        () => Promise.reject(new Error("out of order")),
        JSON.stringify({ license_key: "KEY-1", device_fingerprint: "device-a-0123456789" }),
      );
      expect(counted(name, failing)).toEqual([[`${name}Refusals`, "internal_error", 1]]);
    },
  );

  test.for(["Validate", "Heartbeat", "Release"])("a wrong clock of %s is counted", async (name) => {
    const refusing = await lineOf(
      () => Promise.reject(new ClockSkew(-3_600_000, "the API's")),
      JSON.stringify({ license_key: "KEY-1", device_fingerprint: "device-a-0123456789" }),
    );
    expect(counted(name, refusing)).toEqual([
      [`${name}Refusals`, "internal_error", 1],
      ["ClockSkew", 1],
    ]);
  });

  test("a claim that is answered 401 is counted apart from one that is answered 403", () => {
    const line = (code: string, status: number) => ({ message: { code, status } });
    const unknown = line("license_unknown", 401);
    expect(counted("Validate", unknown)).toContainEqual(["ClaimsRefused", 1]);
    expect(counted("Heartbeat", unknown)).toHaveLength(1);
    expect(counted("Validate", line("session_conflict", 403))).toHaveLength(1);
  });

  test("a heartbeat of a legacy bot is counted for all those that it stands for", () => {
    const message = { event: "legacy_heartbeat", legacy: true, weight: 64 };
    expect(counted("Heartbeat", { message })).toEqual([["LegacyHeartbeats", 64]]);
  });

  test("a line of the history counts as no refusal", () => {
    expect(counted("Validate", { message: { event: "session_claimed" } })).toEqual([]);
  });

  test("a 429 is counted from the access log, which has its status as text", () => {
    const [stage] = Object.values(template.findResources("AWS::ApiGatewayV2::Stage"));
    const format = JSON.parse(stage?.Properties.AccessLogSettings.Format);
    expect(format.status).toBe("$context.status");
    expect(counted("AccessLogs", { ...format, status: "429" })).toEqual([["TooManyRequests", 1]]);
    expect(counted("AccessLogs", { ...format, status: "403" })).toEqual([]);
  });

  test("a line shows an operator which request, license and device, and no more of them", async () => {
    const key = "KEY-THAT-NOBODY-MAY-READ";
    const line = await lineOf(
      () => Promise.reject(new Error("out of order")),
      JSON.stringify({ license_key: key, device_fingerprint: "device-a-0123456789", symbol: "ES" }),
    );
    expect(line).toMatchObject({
      message: {
        code: "internal_error",
        status: 500,
        request_id: "request-1",
        symbol: "ES",
        license_id: expect.stringMatching(/^[0-9a-f]{64}$/),
        device: "device-a...",
      },
    });
    expect(JSON.stringify(line)).not.toContain(key);
    expect(JSON.stringify(line)).not.toContain("device-a-0123456789");
  });
});

describe("the dashboard", () => {
  test.for([
    ["Requests", ["Count"]],
    ["Percent of requests answered 4xx or 5xx", ["4xx", "5xx", "Count"]],
    ["Percent of claims answered 401", ["ClaimsRefused", "Invocations"]],
    ["Requests answered 429", ["TooManyRequests"]],
    ["internal_error of the functions", ["internal_error", "HeartbeatRefusals"]],
    ["Wrong clocks", ["ClockSkew"]],
    ["4xx and 5xx of the API", ["4xx", "5xx"]],
    ["Latency of the API (ms)", ["Latency", "p50", "p99"]],
    ["Errors of the functions", ["Validate", "Heartbeat", "Release"]],
    ["Throttles of the functions", ["Validate", "Heartbeat", "Release"]],
    ["Duration of the functions (ms)", ["Heartbeat p50", "Heartbeat p99"]],
    ["Capacity units the table consumed", ["ConsumedWriteCapacityUnits", "written"]],
    ["Throttles of the table", ["ThrottledRequests", "UpdateItem", "GetItem"]],
    ["System errors of the table", ["SystemErrors"]],
  ] as const)("shows %s", ([title, words]) => {
    const metrics = JSON.stringify(widget(title).metrics);
    for (const word of words) expect(metrics).toContain(`"${word}"`);
  });

  test.for(["Validate", "Heartbeat", "Release"])(
    "shows the refusals of %s, whatever their code",
    (name) => {
      const { metrics } = widget(`${name}: refusals and failures by code`);
      expect(JSON.stringify(metrics)).toContain("LicenseSessions");
      expect(JSON.stringify(metrics)).toContain(`${name}Refusals`);
    },
  );

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

  test("shows the latest refusals of all functions", () => {
    const { query } = widget("The latest refusals and failures");
    expect(query?.match(/SOURCE/g)).toHaveLength(3);
    expect(query).toContain("message.code");
  });
});

describe("the runbook", () => {
  const runbook = readFileSync(join(import.meta.dirname, "../../docs/alarms.md"), "utf8");

  test.for([
    "granted",
    "available",
    "recorded",
    "released",
    "not_held",
    "license_unknown",
    "license_suspended",
    "license_cancelled",
    "license_expired",
    "session_conflict",
    "session_limit",
    "session_taken",
    "session_replaced",
    "session_ended",
    "session_not_found",
    "heartbeat_late",
    "bad_request",
    "internal_error",
  ])("has the code %s", (code) => {
    expect(runbook).toMatch(new RegExp(`^\\| .*\`${code}\``, "m"));
  });

  test("has the query of the dashboard", () => {
    const { query = "" } = widget("The latest refusals and failures");
    const lines = query.split(" | fields ").at(-1) ?? "";
    expect(runbook).toContain(`fields ${lines}`);
  });
});
