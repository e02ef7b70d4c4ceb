import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { toHandler } from "../../lambdas/http.ts";
import { callerSchema } from "../../lambdas/request.ts";
import { formatLogLine } from "../../local/functions/function-log.ts";
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

const widgets: Widget[] = JSON.parse(dashboardBody()).widgets;

function dashboardBody(): string {
  const [dashboard] = Object.values(template.findResources("AWS::CloudWatch::Dashboard"));
  const [, parts] = dashboard?.Properties.DashboardBody["Fn::Join"] ?? [];
  return parts.map((part: string | object) => (typeof part === "string" ? part : "TOKEN")).join("");
}

function widget(title: string): Widget["properties"] {
  const found = widgets.find(({ properties }) => properties.title === title);
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
      Date.now,
    );
    await handler({ body, isBase64Encoded: false }, { awsRequestId: "request-1" });
    return JSON.parse(line);
  }

  test("each function has a filter on its log group, with the code as the dimension", () => {
    expect(filters).toHaveLength(3);
    expect(new Set(filters.map(({ LogGroupName }) => LogGroupName.Ref)).size).toBe(3);
    for (const { MetricTransformations } of filters) {
      expect(MetricTransformations).toEqual([
        {
          MetricNamespace: "LicenseSessions",
          MetricName: expect.stringMatching(/^(Validate|Heartbeat|Release)Refusals$/),
          MetricValue: "1",
          Dimensions: [{ Key: "Code", Value: "$.message.code" }],
        },
      ]);
    }
  });

  test("the filters find the code in the line that a function really writes", async () => {
    const unreadable = await lineOf(() => Promise.reject(new Error("not asked")), "{");
    const failing = await lineOf(
      () => Promise.reject(new Error("out of order")),
      JSON.stringify({ license_key: "KEY-1", device_fingerprint: "device-a-0123456789" }),
    );
    for (const { FilterPattern, MetricTransformations } of filters) {
      const [, path = ""] = /^\{ \$\.([a-z.]+) = "\*" \}$/.exec(FilterPattern) ?? [];
      expect(MetricTransformations[0].Dimensions[0].Value).toBe(`$.${path}`);
      expect(at(unreadable, path)).toBe("bad_request");
      expect(at(failing, path)).toBe("internal_error");
    }
  });

  test("a line tells an operator which request, license and device, and no more of them", async () => {
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
        license: expect.stringMatching(/^[0-9a-f]{8}$/),
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

  test("every threshold of an alarm is drawn in", () => {
    const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm"));
    const watched = new Set(alarms.map(({ Properties }) => Properties.Threshold));
    const drawn = widgets.flatMap(({ properties }) =>
      (properties.annotations?.horizontal ?? []).map(({ value }) => value),
    );
    expect(new Set(drawn)).toEqual(watched);
    expect(drawn).toHaveLength(6);
  });

  test("shows the latest refusals of all functions", () => {
    const { query } = widget("The latest refusals and failures");
    expect(query?.match(/SOURCE/g)).toHaveLength(3);
    expect(query).toContain("message.code");
  });
});

describe("the runbook", () => {
  const runbook = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

  test("has each alarm", () => {
    const ids = Object.keys(template.findResources("AWS::CloudWatch::Alarm")).map((id) =>
      id.replace(/^Alarms/, "").replace(/[0-9A-F]{8}$/, ""),
    );
    const headings = runbook.split("\n").filter((line) => line.startsWith("### "));
    for (const id of ids) expect(headings.join()).toContain(id);
  });

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
    "session_not_found",
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

function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, name) => (inner as Record<string, unknown> | undefined)?.[name],
      value,
    );
}
