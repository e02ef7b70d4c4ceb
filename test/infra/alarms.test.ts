import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Annotations, Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { LicenseSessionsStack } from "../../infra/license-sessions-stack.ts";
import { routes } from "../../infra/routes.ts";
import { settingsSchema } from "../../infra/stack-settings.ts";
import { alarmName, alarmsSetOff, type MetricData } from "../support/alarm-states.ts";
import { edgeStackTemplate, inApp, stackTemplate } from "../support/stack-template.ts";

const template = stackTemplate({ noTrafficAlarmMinutes: 15, lapseEvents: true });

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
  "Heartbeat Duration p99": each(25),
  "LapseEvents Invocations": each(1),
};

type Failure = [kind: string, alarms: string[], data: MetricData];

/** Each kind of failure, all the alarms that report it, and what is not as on an ordinary day. */
const kindsOfFailure: Failure[] = [
  ["nothing: an ordinary day", [], {}],
  // A legacy bot was refused: 3 answers of 5xx a minute, 15 in 5 minutes.
  ["one bot that goes on after a refusal", ["Api5xx"], { "API 5xx": each(3) }],
  [
    "storage fails for all heartbeats",
    ["Api5xx", "HeartbeatInternalErrors", "RefusedShare"],
    { "API 5xx": each(300), "HeartbeatRefusals internal_error": each(300) },
  ],
  [
    "storage fails for some heartbeats",
    ["Api5xx", "HeartbeatInternalErrors"],
    { "API 5xx": each(2), "HeartbeatRefusals internal_error": each(2) },
  ],
  ["one claim fails", ["ValidateInternalErrors"], { "ValidateRefusals internal_error": last(1) }],
  ["one release fails", ["ReleaseInternalErrors"], { "ReleaseRefusals internal_error": last(1) }],
  [
    "the clock of a function is wrong",
    ["ClockSkew"],
    { ClockSkew: last(1), "HeartbeatRefusals internal_error": last(1) },
  ],
  [
    "the table is empty: new clients are answered 500 license_unknown",
    ["Api5xx", "RefusedShare"],
    { "API 5xx": each(300) },
  ],
  [
    "the table is empty: legacy bots are answered 403, and stop within 20 s",
    ["RefusedShare"],
    { "API Count": [...each(302).slice(1), 200], "API 4xx": last(100) },
  ],
  [
    "a deploy answers 401 or 400 to everybody",
    ["ClaimsRefused", "RefusedShare"],
    { "API 4xx": each(302), ClaimsAnswered: each(2), ClaimsRefused: each(2) },
  ],
  [
    "a deploy answers 401 to claims, while heartbeats pass",
    ["ClaimsRefused"],
    { "API 4xx": each(2), ClaimsAnswered: each(2), ClaimsRefused: each(2) },
  ],
  [
    "somebody guesses at keys, and the throttle of claims turns the rest away",
    ["ClaimsRefused", "RefusedShare", "TooManyRequests"],
    {
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
    { "API 4xx": each(10), TooManyRequests: each(10) },
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
    { "API Count": each(602), "API 4xx": each(301), ClaimsInConflict: each(300) },
  ],
  [
    "many bots wait while a deploy answers 400 to every heartbeat",
    ["RefusedShare"],
    { "API Count": each(1_502), "API 4xx": each(1_500), ClaimsInConflict: each(1_200) },
  ],
  [
    "a legacy bot that is refused hammers a small service every 5 s",
    ["RefusedShare"],
    { "API Count": each(12 + 3 * 3), "API 4xx": each(12) },
  ],
  [
    "a run that reports lapsed sessions fails",
    ["LapseEventsErrors"],
    { "LapseEvents Errors": last(1) },
  ],
  ["no run reports lapsed sessions", ["LapseEventsMissing"], { "LapseEvents Invocations": [] }],
  [
    "the table's protection or backups are off, or nobody receives the alarms",
    ["Safeguards"],
    { "Safeguards ExecutionsFailed": last(1) },
  ],
  [
    "the look at the table and the topics runs out of time",
    ["Safeguards"],
    { "Safeguards ExecutionsTimedOut": last(1) },
  ],
  ...Object.values(routes).flatMap(({ id }): Failure[] => [
    [
      `${id} crashes, can't start or is out of time`,
      [`${id}Errors`],
      { [`${id} Errors`]: last(1) },
    ],
    [`${id} is refused by Lambda`, [`${id}Throttles`], { [`${id} Throttles`]: last(1) }],
    [`${id} is slow for 15 minutes`, [`${id}Slow`], { [`${id} Duration p99`]: each(2_000) }],
  ]),
  ...["GetItem", "UpdateItem"].flatMap((operation): Failure[] => [
    [
      `DynamoDB throttles ${operation}`,
      ["TableThrottles"],
      { [`Sessions ${operation} ThrottledRequests`]: last(1) },
    ],
    [
      `DynamoDB itself fails at ${operation}`,
      ["TableSystemErrors"],
      { [`Sessions ${operation} SystemErrors`]: last(1) },
    ],
  ]),
];

describe("which alarm reports which kind of failure", () => {
  test.for(kindsOfFailure)("%s: %j", ([, alarms, data]) => {
    expect(alarmsSetOff(template, { ...ordinary, ...data })).toEqual(alarms);
  });

  test("no alarm is without a failure that it reports", () => {
    const reporting = new Set(kindsOfFailure.flatMap(([, alarms]) => alarms));
    expect([...reporting].sort()).toEqual(alarmIds(template).sort());
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
    ["TableThrottles", "Sessions GetItem ThrottledRequests", 0, 1],
    ["TableSystemErrors", "Sessions UpdateItem SystemErrors", 0, 1],
  ])("%s: none of %s and %s of it are quiet, %s are not", ([alarm, metric, quiet, enough]) => {
    expect(setsOff(alarm, {})).toBe(false);
    expect(setsOff(alarm, { [metric]: [undefined, undefined] })).toBe(false);
    expect(setsOff(alarm, { [metric]: last(quiet) })).toBe(false);
    expect(setsOff(alarm, { [metric]: last(enough) })).toBe(true);
    expect(setsOff(alarm, { [metric]: [enough, 0, 0, 0, 0] })).toBe(true);
    expect(setsOff(alarm, { [metric]: [enough, 0, 0, 0, 0, 0] })).toBe(false);
    expect(setsOff(alarm, { [metric]: last(1_000) })).toBe(true);
  });

  test("RefusedShare: a quarter of a minute's requests, and five of them, of either kind, the 403s of claims left out", () => {
    type Figure = number | undefined;
    const share = (refused: Figure, failed: Figure, n: Figure, conflicts?: number) =>
      setsOff("RefusedShare", {
        "API 4xx": [refused],
        "API 5xx": [failed],
        "API Count": [n],
        ClaimsInConflict: [conflicts],
      });
    expect(share(5, undefined, 20)).toBe(true);
    expect(share(undefined, 5, 20)).toBe(true);
    expect(share(3, 2, 20)).toBe(true);
    expect(share(4, undefined, 4)).toBe(false);
    expect(share(5, 0, 21)).toBe(false);
    expect(share(undefined, undefined, 20)).toBe(false);
    expect(setsOff("RefusedShare", {})).toBe(false);

    expect(share(100, undefined, 100, 100)).toBe(false);
    expect(share(104, undefined, 104, 100)).toBe(false);
    expect(share(105, undefined, 105, 100)).toBe(true);
    expect(share(105, undefined, 120, 100)).toBe(true);
    expect(share(105, undefined, 121, 100)).toBe(false);
    expect(share(105, undefined, 420)).toBe(true);
    // The access log's lines may come in another minute than the API's own figures.
    expect(share(0, undefined, 50, 100)).toBe(false);
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
    expect(setsOff("HeartbeatSlow", { "Heartbeat Duration p99": each(1_999) })).toBe(false);
    const tenMinutes = [...each(25).slice(10), ...each(2_000).slice(5)];
    expect(setsOff("HeartbeatSlow", { "Heartbeat Duration p99": tenMinutes })).toBe(false);
  });

  test("NoTraffic: only as a setting, and one request in its time is enough to be quiet", () => {
    expect(alarmIds(stackTemplate())).not.toContain("NoTraffic");
    expect(setsOff("NoTraffic", { "API Count": [1, ...each(0).slice(1)] })).toBe(false);
    expect(setsOff("NoTraffic", { "API Count": each(0) })).toBe(true);
  });
});

describe("every alarm", () => {
  const alarms = [template, edgeStackTemplate()].flatMap((of) =>
    Object.entries(of.findResources("AWS::CloudWatch::Alarm")),
  );
  const runbook = readFileSync(join(import.meta.dirname, "../../docs/alarms.md"), "utf8");

  test.for(alarms)(
    "%s publishes its beginning and end, and names its paragraph of the runbook, which says what customers suffer, how to confirm it, what to do tonight, when it is over",
    ([, { Properties }]) => {
      expect(Properties.AlarmActions.length).toBeGreaterThan(0);
      expect(Properties.OKActions).toEqual(Properties.AlarmActions);
      const [, anchor = ""] =
        / Runbook: docs\/alarms\.md#(\w+)$/.exec(Properties.AlarmDescription) ?? [];
      const sections = runbook
        .split(/^### /m)
        .filter((section) => section.split("\n")[0]?.toLowerCase() === anchor);
      expect(sections).toHaveLength(1);
      const steps = sections[0]?.matchAll(/^- \*\*(\w+):\*\* \S/gm) ?? [];
      expect([...steps].map(([, word]) => word)).toEqual([
        "Customers",
        "Confirm",
        "Tonight",
        "Over",
      ]);
      expect(runbook.split("## Alarms")[0]).toContain(`(#${anchor})`);
    },
  );

  test("a variable of the runbook is set where it is used", () => {
    const commands = [...runbook.matchAll(/^ *```sh\n(.*?)^ *```/gms)].map(([, text = ""]) => text);
    expect(commands.length).toBeGreaterThan(4);
    for (const text of commands.filter((command) => command.includes("$API_URL"))) {
      expect(text).toContain("API_URL=$(");
    }
  });
});

test("a synth without alarmEmail warns that nobody is notified", () => {
  const annotationsOf = (context: object) =>
    inApp({}, (app) =>
      Annotations.fromStack(
        new LicenseSessionsStack(app, "LicenseSessions", settingsSchema.parse(context)),
      ),
    );
  annotationsOf({}).hasWarning("*", Match.stringLikeRegexp("^Nobody is notified of alarms: .*"));
  annotationsOf({ alarmEmail: "ops@example.com" }).hasNoWarning("*", Match.anyValue());
});

function alarmIds(of: typeof template): string[] {
  return Object.keys(of.findResources("AWS::CloudWatch::Alarm")).map(alarmName);
}
