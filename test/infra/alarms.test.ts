import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Annotations, Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { edgeProps } from "../../infra/edge-stack.ts";
import { LicenseSessionsStack } from "../../infra/license-sessions-stack.ts";
import { routes } from "../../infra/routes.ts";
import { settingsSchema } from "../../infra/stack-settings.ts";
import { alarmName, alarmsSetOff, type MetricData } from "../support/alarm-states.ts";
import { evaluateMetricMath } from "../support/metric-math.ts";
import { edgeStackTemplate, inApp, stackTemplate } from "../support/stack-template.ts";

const template = stackTemplate({ noTrafficAlarmMinutes: 15, lapseEvents: true });

const edge = edgeProps(
  settingsSchema.parse({
    domainName: "licenses.example.com",
    certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c-11",
    edgeOrigin: "d-abc123.execute-api.eu-central-1.amazonaws.com",
    edgeCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/6f1c-12",
    originSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:origin-AbCdEf",
  }),
);
if (edge === undefined) throw new Error("There is no stack of CloudFront");
const edgeTemplate = edgeStackTemplate(edge);

/** The same figure each minute, the last 15 of them. */
const each = (figure: number) => Array.from({ length: 15 }, () => figure);
/** A figure in the last minute alone. */
const last = (figure: number) => [figure];

/** 100 bots on an ordinary day: 300 heartbeats a minute, a start or an end now and then. */
const ordinary: MetricData = {
  "API Count": each(302),
  "API 4xx": each(1),
  "API 5xx": each(0),
  ClaimsAnswered: each(1),
  "Heartbeat Duration": each(25),
  "LapseEvents Invocations": each(1),
};

/** A legacy bot was refused and goes on: 3 answers of 5xx a minute, 15 in 5 minutes. */
const oneRefusedBot: MetricData = { ...ordinary, "API 5xx": each(3) };

/** Each kind of failure, all the alarms that report it, and what CloudWatch has of it then. */
const kindsOfFailure: [kind: string, alarms: string[], data: MetricData][] = [
  ["nothing: an ordinary day", [], ordinary],
  ["one bot that goes on after a refusal", ["Api5xx"], oneRefusedBot],
  [
    "storage fails for all heartbeats",
    ["Api5xx", "HeartbeatInternalErrors", "RefusedShare"],
    {
      ...ordinary,
      "API 5xx": each(300),
      "HeartbeatRefusals internal_error": each(300),
    },
  ],
  [
    "storage fails for some heartbeats",
    ["Api5xx", "HeartbeatInternalErrors"],
    { ...ordinary, "API 5xx": each(2), "HeartbeatRefusals internal_error": each(2) },
  ],
  [
    "one claim fails",
    ["ValidateInternalErrors"],
    { ...ordinary, "API 5xx": last(1), "ValidateRefusals internal_error": last(1) },
  ],
  [
    "one release fails",
    ["ReleaseInternalErrors"],
    { ...ordinary, "API 5xx": last(1), "ReleaseRefusals internal_error": last(1) },
  ],
  [
    "the clock of a function is wrong",
    ["ClockSkew"],
    { ...ordinary, ClockSkew: last(1), "HeartbeatRefusals internal_error": last(1) },
  ],
  [
    "the table is empty: new clients are answered 500 license_unknown",
    ["Api5xx", "RefusedShare"],
    { ...ordinary, "API 5xx": each(300) },
  ],
  [
    "the table is empty: legacy bots are answered 403, and stop within 20 s",
    ["RefusedShare"],
    { ...ordinary, "API Count": [...each(302).slice(1), 200], "API 4xx": last(100) },
  ],
  [
    "a deploy answers 401 or 400 to everybody",
    ["ClaimsRefused", "RefusedShare"],
    {
      ...ordinary,
      "API 4xx": each(302),
      ClaimsAnswered: each(2),
      ClaimsRefused: each(2),
    },
  ],
  [
    "a deploy answers 401 to claims, while heartbeats pass",
    ["ClaimsRefused"],
    {
      ...ordinary,
      "API 4xx": each(2),
      ClaimsAnswered: each(2),
      ClaimsRefused: each(2),
    },
  ],
  [
    "somebody guesses at keys, and the throttle of claims turns the rest away",
    ["ClaimsRefused", "RefusedShare", "TooManyRequests"],
    {
      ...ordinary,
      "API Count": each(60_300),
      "API 4xx": each(60_000),
      ClaimsAnswered: each(6_000),
      ClaimsRefused: each(6_000),
      TooManyRequests: each(54_000),
    },
  ],
  [
    "more bots than the throttle of heartbeats lets in",
    ["TooManyRequests"],
    { ...ordinary, "API 4xx": each(10), TooManyRequests: each(10) },
  ],
  [
    "no request at all, for 15 minutes",
    ["NoTraffic"],
    {
      ...Object.fromEntries(Object.keys(ordinary).map((name) => [name, []])),
      "LapseEvents Invocations": each(1),
    },
  ],
  [
    "many bots wait for their turn, and programs watch, each answered 403",
    [],
    {
      ...ordinary,
      "API Count": each(602),
      "API 4xx": each(301),
      ClaimsInConflict: each(300),
      ClaimsAnswered: each(1),
    },
  ],
  [
    "many bots wait while a deploy answers 400 to every heartbeat",
    ["RefusedShare"],
    {
      ...ordinary,
      "API Count": each(1_502),
      "API 4xx": each(1_500),
      ClaimsInConflict: each(1_200),
      ClaimsAnswered: each(1),
    },
  ],
  [
    "a run that reports lapsed sessions fails",
    ["LapseEventsErrors"],
    { ...ordinary, "LapseEvents Errors": last(1) },
  ],
  [
    "no run reports lapsed sessions",
    ["LapseEventsMissing"],
    { ...ordinary, "LapseEvents Invocations": [] },
  ],
  [
    "the table's protection or backups are off, or nobody receives the alarms",
    ["Safeguards"],
    { ...ordinary, "Safeguards ExecutionsFailed": last(1) },
  ],
  [
    "the look at the table and the topics runs out of time",
    ["Safeguards"],
    { ...ordinary, "Safeguards ExecutionsTimedOut": last(1) },
  ],
  ...Object.values(routes).flatMap(({ id: name }): [string, string[], MetricData][] => [
    [
      `${name} crashes, cannot start or runs out of time`,
      [`${name}Errors`],
      { ...ordinary, [`${name} Errors`]: last(1) },
    ],
    [
      `${name} is refused by Lambda`,
      [`${name}Throttles`],
      { ...ordinary, [`${name} Throttles`]: last(1) },
    ],
    [
      `${name} is slow for 15 minutes`,
      [`${name}Slow`],
      { ...ordinary, [`${name} Duration`]: each(2_000) },
    ],
  ]),
  ...["GetItem", "UpdateItem"].flatMap((operation): [string, string[], MetricData][] => [
    [
      `DynamoDB throttles ${operation}`,
      ["TableThrottles"],
      { ...ordinary, [`Table ${operation} ThrottledRequests`]: last(1) },
    ],
    [
      `DynamoDB itself fails at ${operation}`,
      ["TableSystemErrors"],
      { ...ordinary, [`Table ${operation} SystemErrors`]: last(1) },
    ],
  ]),
];

describe("which alarm reports which kind of failure", () => {
  test.for(kindsOfFailure)("%s: %j", ([, alarms, data]) => {
    expect(alarmsSetOff(template, data)).toEqual(alarms);
  });

  test("no alarm is without a failure that it reports", () => {
    const reporting = new Set(kindsOfFailure.flatMap(([, alarms]) => alarms));
    expect([...reporting].sort()).toEqual(alarmIds(template).sort());
  });
});

describe("one bot that goes on after a refusal", () => {
  test.for<[failure: string, alarm: string, data: MetricData]>([
    [
      "storage fails",
      "HeartbeatInternalErrors",
      { "API 5xx": each(6), "HeartbeatRefusals internal_error": each(3) },
    ],
    ["a claim fails", "ValidateInternalErrors", { "ValidateRefusals internal_error": last(1) }],
    ["a clock is wrong", "ClockSkew", { ClockSkew: last(1) }],
    ["a function crashes", "HeartbeatErrors", { "Heartbeat Errors": last(1) }],
    ["the table is empty", "RefusedShare", { "API 5xx": each(300) }],
    ["requests are throttled", "TooManyRequests", { TooManyRequests: each(10) }],
    ["nobody can start", "ClaimsRefused", { ClaimsAnswered: each(2), ClaimsRefused: each(2) }],
  ])("holds Api5xx on and hides nothing else: %s is reported by %s", ([, alarm, data]) => {
    expect(alarmsSetOff(template, oneRefusedBot)).toEqual(["Api5xx"]);
    expect(alarmsSetOff(template, { ...oneRefusedBot, ...data })).toContain(alarm);
  });
});

describe("how much it takes", () => {
  const setsOff = (alarm: string, data: MetricData) => alarmsSetOff(template, data).includes(alarm);

  test.for<[alarm: string, metric: string, quiet: number, enough: number]>([
    ["Api5xx", "API 5xx", 4, 5],
    ["HeartbeatInternalErrors", "HeartbeatRefusals internal_error", 4, 5],
    ["ValidateInternalErrors", "ValidateRefusals internal_error", 0, 1],
    ["ReleaseInternalErrors", "ReleaseRefusals internal_error", 0, 1],
    ["ClockSkew", "ClockSkew", 0, 1],
    ["TooManyRequests", "TooManyRequests", 9, 10],
    ["HeartbeatErrors", "Heartbeat Errors", 0, 1],
    ["HeartbeatThrottles", "Heartbeat Throttles", 0, 1],
    ["TableThrottles", "Table GetItem ThrottledRequests", 0, 1],
    ["TableSystemErrors", "Table UpdateItem SystemErrors", 0, 1],
  ])("%s: none of %s and %s of it are quiet, %s are not", ([alarm, metric, quiet, enough]) => {
    expect(setsOff(alarm, {})).toBe(false);
    expect(setsOff(alarm, { [metric]: [undefined, undefined] })).toBe(false);
    expect(setsOff(alarm, { [metric]: last(quiet) })).toBe(false);
    expect(setsOff(alarm, { [metric]: last(enough) })).toBe(true);
    expect(setsOff(alarm, { [metric]: [enough, 0, 0, 0, 0] })).toBe(true);
    expect(setsOff(alarm, { [metric]: [enough, 0, 0, 0, 0, 0] })).toBe(false);
    expect(setsOff(alarm, { [metric]: last(1_000) })).toBe(true);
  });

  test("RefusedShare: a quarter of a minute's requests, and five of them, of either kind", () => {
    const share = (fourHundreds: number | undefined, fiveHundreds: number | undefined, n: number) =>
      setsOff("RefusedShare", {
        "API 4xx": [fourHundreds],
        "API 5xx": [fiveHundreds],
        "API Count": [n],
      });
    expect(share(5, undefined, 20)).toBe(true);
    expect(share(undefined, 5, 20)).toBe(true);
    expect(share(3, 2, 20)).toBe(true);
    expect(share(4, undefined, 4)).toBe(false);
    expect(share(5, 0, 21)).toBe(false);
    expect(share(undefined, undefined, 20)).toBe(false);
    expect(setsOff("RefusedShare", {})).toBe(false);
  });

  test("RefusedShare: claims that are answered 403 count neither as refused nor as requests", () => {
    const share = (fourHundreds: number, conflicts: number | undefined, n: number) =>
      setsOff("RefusedShare", {
        "API 4xx": [fourHundreds],
        ClaimsInConflict: [conflicts],
        "API Count": [n],
      });
    expect(share(100, 100, 100)).toBe(false);
    expect(share(104, 100, 104)).toBe(false);
    expect(share(105, 100, 105)).toBe(true);
    expect(share(105, 100, 120)).toBe(true);
    expect(share(105, 100, 121)).toBe(false);
    expect(share(105, undefined, 420)).toBe(true);
    // The access log's lines may come in another minute than the API's own figures.
    expect(share(0, 100, 50)).toBe(false);
  });

  test("RefusedShare: a legacy bot that hammers a small service every 5 s does set it off", () => {
    const data = { "API 4xx": each(12), "API Count": each(12 + 3 * 3) };
    expect(alarmsSetOff(template, { ...ordinary, ...data })).toEqual(["RefusedShare"]);
  });

  test("ClaimsRefused: half of the claims of 5 minutes, and five of them", () => {
    const share = (refused: number[], claims: number[]) =>
      setsOff("ClaimsRefused", { ClaimsRefused: refused, ClaimsAnswered: claims });
    expect(share([5], [10])).toBe(true);
    expect(share([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])).toBe(true);
    expect(share([5], [11])).toBe(false);
    expect(share([4], [4])).toBe(false);
    expect(share([], [10])).toBe(false);
  });

  test("Slow: all of 15 minutes", () => {
    expect(setsOff("HeartbeatSlow", { "Heartbeat Duration": each(1_999) })).toBe(false);
    const recent = [...each(25).slice(5), 2_000, 2_000, 2_000, 2_000, 2_000];
    expect(setsOff("HeartbeatSlow", { "Heartbeat Duration": recent })).toBe(false);
  });

  test("NoTraffic: only as a setting, and one request in its time is enough to be quiet", () => {
    expect(alarmIds(stackTemplate())).not.toContain("NoTraffic");
    expect(setsOff("NoTraffic", { "API Count": [1, ...each(0).slice(1)] })).toBe(false);
    expect(setsOff("NoTraffic", { "API Count": each(0) })).toBe(true);
  });
});

describe("every alarm", () => {
  const alarms = [template, edgeTemplate].flatMap((of) =>
    Object.entries(of.findResources("AWS::CloudWatch::Alarm")),
  );
  const runbook = readFileSync(join(import.meta.dirname, "../../docs/alarms.md"), "utf8");
  const anchorOf = (heading = "") =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-");
  const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading));

  test.for(alarms)(
    "%s names its paragraph of the runbook, which is there",
    ([, { Properties }]) => {
      const [, anchor] =
        / Runbook: docs\/alarms\.md#([\w-]+)$/.exec(Properties.AlarmDescription) ?? [];
      expect(anchors).toContain(anchor);
    },
  );

  test.for(alarms)(
    "%s: its paragraph says what customers suffer, how to confirm it, what to do tonight, when it is over",
    ([, { Properties }]) => {
      const anchor = Properties.AlarmDescription.split("#")[1];
      const sections = runbook
        .split(/^### /m)
        .filter((section) => anchorOf(section.split("\n")[0]) === anchor);
      expect(sections).toHaveLength(1);
      const steps = [...(sections[0] ?? "").matchAll(/^- \*\*(\w+):\*\* \S/gm)].map(
        ([, word]) => word,
      );
      expect(steps).toEqual(["Customers", "Confirm", "Tonight", "Over"]);
      expect(runbook.indexOf(`(#${anchor})`)).toBeLessThan(runbook.indexOf("## Alarms"));
    },
  );

  test("a variable of the runbook is set where it is used", () => {
    const commands = [...runbook.matchAll(/^ *```sh\n(.*?)^ *```/gms)].map(([, text = ""]) => text);
    expect(commands.length).toBeGreaterThan(4);
    for (const text of commands.filter((command) => command.includes("$API_URL"))) {
      expect(text).toContain("API_URL=$(");
    }
  });

  test.for(alarms)("%s publishes its beginning and its end", ([, { Properties }]) => {
    expect(Properties.AlarmActions.length).toBeGreaterThan(0);
    expect(Properties.OKActions).toEqual(Properties.AlarmActions);
  });
});

describe("who is notified", () => {
  const annotationsOf = (context: object) =>
    inApp({}, (app) =>
      Annotations.fromStack(
        new LicenseSessionsStack(app, "LicenseSessions", settingsSchema.parse(context)),
      ),
    );

  test("a synth without alarmEmail warns that it is nobody", () => {
    annotationsOf({}).hasWarning("*", Match.stringLikeRegexp("^Nobody is notified of alarms: .*"));
    annotationsOf({ alarmEmail: "ops@example.com" }).hasNoWarning("*", Match.anyValue());
  });
});

describe("the evaluator of the expressions", () => {
  const of = (expression: string) =>
    evaluateMetricMath(expression, { a: [1, undefined, 0], b: [2, 2, 2] }, 3);

  test.for<[string, (number | undefined)[]]>([
    ["a + b * 2", [5, undefined, 4]],
    ["(a + b) * 2", [6, undefined, 4]],
    ["FILL(a, 7) - 1", [0, 6, -1]],
    ["b / a", [2, undefined, undefined]],
    ["IF(a >= 1, b, 9)", [2, undefined, 9]],
    ["IF(FILL(a, 0) < 1, 1, 0)", [0, 1, 1]],
  ])("%s", ([expression, result]) => {
    expect(of(expression)).toEqual(result);
  });

  test.for(["a +", "c", "RATE(a)", "a b", "FILL(a)", "a % b", "(a"])("refuses %s", (expression) => {
    expect(() => of(expression)).toThrow(expression);
  });
});

function alarmIds(of: typeof template): string[] {
  return Object.keys(of.findResources("AWS::CloudWatch::Alarm")).map(alarmName);
}
