import { describe, expect, onTestFinished, test, vi } from "vitest";
import { claimRoute, heartbeatRoute, releaseRoute } from "../../contract/routes.ts";
import { expectDocumented } from "../support/documented.ts";
import { handlers, takeTouches } from "./untouched-table.ts";

type Name = keyof typeof handlers;
const documentedRoutes = { validate: claimRoute, heartbeat: heartbeatRoute, release: releaseRoute };
const names: Name[] = ["validate", "heartbeat", "release"];

async function send(name: Name, body: string | undefined, isBase64Encoded = false) {
  takeTouches();
  const requestContext = { timeEpoch: 0 };
  const event = { ...(body !== undefined && { body }), isBase64Encoded, requestContext };
  const result = await handlers[name](event, { awsRequestId: "request-1" });
  const reply = { status: result.statusCode ?? 0, body: JSON.parse(result.body ?? "") };
  expectDocumented(documentedRoutes[name], reply);
  return reply;
}

const valid = { license_key: "KEY", device_fingerprint: "device" };
const symbolsOf = (count: number) => Array.from({ length: count }, (_, index) => `S${index}`);
const base64 = (bytes: string | Buffer) => Buffer.from(bytes).toString("base64");

const noStrings = [1, true, [], {}];
const noFlags = [1, "true", {}];
const wrongFields: [field: string, of: Name[], values: readonly unknown[]][] = [
  ["license_key", names, [undefined, null, "", "   ", "x".repeat(129), "\ud800", ...noStrings]],
  [
    "device_fingerprint",
    names,
    [undefined, null, "", "x".repeat(256), "😀".repeat(129), "\udfff", ...noStrings],
  ],
  [
    "symbol",
    names,
    [
      ...["", "   ", "x".repeat(129), "币".repeat(86), "*", " * ", "E\nS", "ES\u0000", "E\u202eS"],
      ...noStrings,
    ],
  ],
  ["symbols", names, [[], "ES", {}, [1], ["ES", ""], ["ES", "*"], symbolsOf(101)]],
  [
    "run_id",
    ["validate", "release"],
    ["x".repeat(15), "x".repeat(65), "é".repeat(16), "line\nbreak in the id"],
  ],
  ["claim_number", ["validate", "release"], [0, -1, 1.5, 2 ** 53, "1", true, [], {}]],
  ["check_only", ["validate"], noFlags],
  ["only_if_free", ["validate"], noFlags],
  ["ask_holder", ["validate"], noFlags],
  ["session_id", ["heartbeat", "release"], ["", "x".repeat(65), ...noStrings]],
  ["bot_version", ["heartbeat"], ["x".repeat(65), "币".repeat(43), "\ud800", ...noStrings]],
  ["status", ["heartbeat"], ["x".repeat(65), "\ud800", ...noStrings]],
  ["keep", ["heartbeat"], noFlags],
  ["metadata", ["heartbeat"], [1, "{}", [], true, { a: "x".repeat(1017) }]],
];

describe.for(names)("%s", (name) => {
  const noJson = "must be JSON";
  const noObject = "must be a JSON object";
  const noText = "must be UTF-8 text of at most 16 KiB";
  test.for<[what: string, body: string | undefined, complaint: string, isBase64?: true]>([
    ["no body", undefined, noJson],
    ["an empty body", "", noJson],
    ["broken JSON", '{"license_key":', noJson],
    ["JSON with something behind", "{} {}", noJson],
    ["a byte order mark", `\ufeff${JSON.stringify(valid)}`, noJson],
    ["a string", '"KEY"', noObject],
    ["a number", "1", noObject],
    ["null", "null", noObject],
    ["an array", "[{}]", noObject],
    ["more than 16 KiB", JSON.stringify({ ...valid, padding: "x".repeat(16 * 1024) }), noText],
    ["nested as deep as 16 KiB go", "[".repeat(16 * 1024), noJson],
    ["bytes that are no UTF-8", base64(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), noText, true],
    [
      "JSON with bytes that are no UTF-8 in a string",
      base64(Buffer.from(JSON.stringify({ ...valid, device_fingerprint: "\xff" }), "latin1")),
      noText,
      true,
    ],
    ["base64 of broken JSON", base64("{"), noJson, true],
    ["base64 of a byte order mark", base64(`\ufeff${JSON.stringify(valid)}`), noJson, true],
    ["no base64 at all", "%%%", noJson, true],
  ])("%s is a 400 that names the body", async ([, body, complaint, isBase64]) => {
    expect(await send(name, body, isBase64)).toMatchObject({
      status: 400,
      body: { code: "bad_request", field: "body", message: `body ${complaint}` },
    });
    expect(takeTouches()).toBe(0);
  });

  test("a body in base64 is read like any other", async () => {
    const { status } = await send(name, base64(JSON.stringify(valid)), true);
    expect(status).not.toBe(400);
    expect(takeTouches()).toBe(1);
  });

  const ofThis = wrongFields.filter(([, of]) => of.includes(name));
  test.for(ofThis)(
    "a wrong %s is a 400 that names it and quotes nothing",
    async ([field, , values]) => {
      for (const value of values) {
        const reply = await send(name, JSON.stringify({ ...valid, [field]: value }));
        expect(reply, String(value)).toMatchObject({
          status: 400,
          body: {
            code: "bad_request",
            field,
            message: expect.stringContaining(`${field} must be `),
          },
        });
        expect(JSON.stringify(reply)).not.toContain("xxx");
        expect(takeTouches()).toBe(0);
      }
    },
  );

  test("a 400 leaves one log line, which names the field and nothing of its value", async () => {
    const noted = vi.spyOn(console, "info").mockImplementation(() => {});
    onTestFinished(() => noted.mockRestore());
    await send(name, JSON.stringify({ ...valid, license_key: "x".repeat(129) }));
    expect(noted.mock.calls).toEqual([
      [{ code: "bad_request", status: 400, request_id: "request-1", field: "license_key" }],
    ]);
  });

  test.for([
    ["characters", "x".repeat(255)],
    ["bytes", "😀".repeat(128)],
  ])(
    "what is just within the limits is read, a device by its %s",
    async ([, device_fingerprint]) => {
      const body = {
        license_key: ` ${"x".repeat(128)} `,
        device_fingerprint,
        symbol: ` ${"aZ09 ._-/=^!:@#*~".padEnd(128, "x")} `,
        ...(name === "validate" && { run_id: "~".repeat(64), claim_number: 2 ** 53 - 1 }),
        ...(name !== "validate" && { session_id: "x".repeat(64) }),
        ...(name === "heartbeat" && {
          bot_version: "x".repeat(64),
          status: "",
          metadata: { a: "x".repeat(1016) },
        }),
      };
      expect((await send(name, JSON.stringify(body))).body.code).not.toBe("bad_request");
      expect(takeTouches()).toBe(1);
    },
  );

  test("fields that no one asked for are ignored", async () => {
    await send(name, JSON.stringify({ ...valid, constructor: 1, toString: null, other: [[]] }));
    expect(takeTouches()).toBe(1);
  });

  test("a body of exactly 16 KiB is read", async () => {
    const most = 16 * 1024 - JSON.stringify({ ...valid, padding: "" }).length;
    const body = JSON.stringify({ ...valid, padding: "x".repeat(most) });
    expect((await send(name, body)).body.code).not.toBe("bad_request");
    expect((await send(name, `${body} `)).body.field).toBe("body");
  });

  test("null in an optional field is the same as leaving it out", async () => {
    const nulls = Object.fromEntries(wrongFields.map(([field]) => [field, null]));
    const without = await send(name, JSON.stringify(valid));
    expect(await send(name, JSON.stringify({ ...nulls, ...valid }))).toEqual(without);
  });

  test("__proto__ lends no field, wherever it stands", async () => {
    const inherited = `{"__proto__":${JSON.stringify(valid)}}`;
    expect((await send(name, inherited)).body.field).toBe("license_key");
    expect(takeTouches()).toBe(0);
    const plain = await send(name, JSON.stringify(valid));
    for (const member of [
      '"__proto__":{"symbol":"*","check_only":1,"session_id":7,"metadata":1}',
      '"x":[{"\\u005f_proto__":{"symbol":"*"}}]',
    ]) {
      expect(await send(name, `${JSON.stringify(valid).slice(0, -1)},${member}}`)).toEqual(plain);
    }
    expect({}).not.toHaveProperty("symbol");
  });
});

describe("what no single field shows to be wrong is a 400 that says what to send:", () => {
  const run_id = "a-run-0123456789";
  const opening = { run_id, claim_number: 1 };
  test.for<[Name, object, string, string]>([
    ["validate", { run_id }, "claim_number", "claim_number is missing: run_id needs it"],
    ["release", { run_id }, "claim_number", "claim_number is missing: run_id needs it"],
    ["validate", { claim_number: 1 }, "run_id", "run_id is missing: claim_number needs it"],
    ["validate", { symbols: ["ES"] }, "run_id", "run_id is missing: a claim with symbols needs it"],
    [
      "heartbeat",
      { symbols: ["ES"] },
      "session_id",
      "session_id is missing: a heartbeat with symbols needs it",
    ],
    [
      "release",
      { symbols: ["ES"] },
      "session_id",
      "session_id is missing: a release with symbols needs it, or run_id and claim_number",
    ],
    [
      "validate",
      { ...opening, symbol: "ES", symbols: ["ES"] },
      "symbols",
      "symbol and symbols exclude each other: send one of them",
    ],
    [
      "validate",
      { ...opening, symbols: ["CL", "es", "ES "] },
      "symbols",
      "symbols has one name twice, as case is ignored: es (number 2) and ES  (number 3)",
    ],
  ])("%s %o", async ([name, wrong, field, message]) => {
    expect(await send(name, JSON.stringify({ ...valid, ...wrong }))).toMatchObject({
      status: 400,
      body: { code: "bad_request", field, message },
    });
    expect(takeTouches()).toBe(0);
  });
});

test("NULs after a body are ignored, as MQL sends them", async () => {
  const plain = await send("validate", JSON.stringify(valid));
  expect(await send("validate", `${JSON.stringify(valid)}\0\0`)).toEqual(plain);
  expect((await send("validate", `${JSON.stringify(valid)}\0 `)).body.field).toBe("body");
});

test("the limit of metadata counts the bytes of its text as it was sent", async () => {
  const withMetadata = (text: string) =>
    `${JSON.stringify(valid).slice(0, -1)},"metadata":${text}}`;
  const bytes1024 = `{"a":"${"é".repeat(508)}"}`;
  expect((await send("heartbeat", withMetadata(bytes1024))).body.code).toBe("license_unknown");
  expect((await send("heartbeat", withMetadata(`{ ${bytes1024.slice(1)}`))).body.field).toBe(
    "metadata",
  );
});
