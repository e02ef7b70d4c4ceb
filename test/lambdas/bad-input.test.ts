import { describe, expect, onTestFinished, test, vi } from "vitest";
import { claimRoute, heartbeatRoute, releaseRoute } from "../../contract/routes.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { defaultSettings } from "../support/default-settings.ts";
import { expectDocumented } from "../support/documented.ts";

let touched = 0;
const service: Service = {
  settings: defaultSettings,
  table: {
    forRequest: () => ({
      async get() {
        touched++;
        return undefined;
      },
      async update() {
        touched++;
        return { applied: false, seen: undefined };
      },
    }),
  },
  now: () => 0,
};

const handlers = {
  validate: claimHandler(service),
  heartbeat: heartbeatHandler(service),
  release: releaseHandler(service),
};
type Name = keyof typeof handlers;
const documentedRoutes = { validate: claimRoute, heartbeat: heartbeatRoute, release: releaseRoute };
const names: Name[] = ["validate", "heartbeat", "release"];

async function send(name: Name, body: string | undefined, isBase64Encoded = false) {
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

describe.for(names)("%s", (name) => {
  test.for([
    ["no body", undefined],
    ["an empty body", ""],
    ["broken JSON", '{"license_key":'],
    ["JSON with something behind", "{} {}"],
    ["a byte order mark", `\ufeff${JSON.stringify(valid)}`],
    ["a string", '"KEY"'],
    ["a number", "1"],
    ["null", "null"],
    ["an array", "[{}]"],
    ["more than 16 KiB", JSON.stringify({ ...valid, padding: "x".repeat(16 * 1024) })],
    ["nested as deep as 16 KiB go", "[".repeat(16 * 1024)],
  ] as const)("%s is a 400 that names the body", async ([, body]) => {
    touched = 0;
    expect(await send(name, body)).toMatchObject({
      status: 400,
      body: {
        code: "bad_request",
        field: "body",
        message: expect.stringMatching(/^body must be /),
      },
    });
    expect(touched).toBe(0);
  });

  test.for([
    ["bytes that are no UTF-8", base64(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
    [
      "JSON with bytes that are no UTF-8 in a string",
      Buffer.from(JSON.stringify({ ...valid, device_fingerprint: "\xff" }), "latin1").toString(
        "base64",
      ),
    ],
    ["base64 of broken JSON", base64("{")],
    ["a byte order mark", base64(`\ufeff${JSON.stringify(valid)}`)],
    ["no base64 at all", "%%%"],
  ] as const)("%s under the base64 flag is a 400 that names the body", async ([, body]) => {
    expect(await send(name, body, true)).toMatchObject({
      status: 400,
      body: { code: "bad_request", field: "body" },
    });
  });

  test.for(["[]", "null", "1", '"KEY"'])("%s is said to be no JSON object", async (body) => {
    expect((await send(name, body)).body.message).toBe("body must be a JSON object");
  });

  test.for([
    ["body must be JSON", "{", false],
    ["body must be JSON", undefined, false],
    ["body must be UTF-8 text of at most 16 KiB", "x".repeat(16 * 1024 + 1), false],
    ["body must be UTF-8 text of at most 16 KiB", base64(Buffer.from([0xff])), true],
  ] as const)("%s, says the answer to what isn't", async ([message, body, isBase64Encoded]) => {
    expect((await send(name, body, isBase64Encoded)).body.message).toBe(message);
  });

  test("a body in base64 is read like any other", async () => {
    touched = 0;
    const { status } = await send(name, base64(JSON.stringify(valid)), true);
    expect(status).not.toBe(400);
    expect(touched).toBe(1);
  });

  const noStrings = [1, true, [], {}];
  test.for<[field: string, values: readonly unknown[]]>([
    ["license_key", [undefined, null, "", "   ", "x".repeat(129), "\ud800", ...noStrings]],
    [
      "device_fingerprint",
      [
        undefined,
        null,
        "",
        "x".repeat(256),
        "😀".repeat(129),
        "😀".repeat(255),
        "\udfff",
        ...noStrings,
      ],
    ],
    [
      "symbol",
      [
        ...[
          "",
          "   ",
          "x".repeat(129),
          "币".repeat(86),
          "*",
          " * ",
          "E\nS",
          "ES\u0000",
          "E\u202eS",
        ],
        ...noStrings,
      ],
    ],
    ["symbols", [[], "ES", {}, [1], ["ES", ""], ["ES", "*"], symbolsOf(101)]],
    ...(name === "heartbeat"
      ? []
      : ([
          ["run_id", ["x".repeat(15), "x".repeat(65), "é".repeat(16), "line\nbreak in the id"]],
          ["claim_number", [0, -1, 1.5, 2 ** 53, "1", true, [], {}]],
        ] satisfies [string, unknown[]][])),
    ...(name === "validate"
      ? ["check_only", "only_if_free", "ask_holder"].map((flag): [string, unknown[]] => [
          flag,
          [1, "true", {}],
        ])
      : ([["session_id", ["", "x".repeat(65), ...noStrings]]] satisfies [string, unknown[]][])),
    ...(name === "heartbeat"
      ? ([
          ["bot_version", ["x".repeat(65), "币".repeat(43), "\ud800", ...noStrings]],
          ["status", ["x".repeat(65), "\ud800", ...noStrings]],
          ["keep", [1, "true", {}]],
          ["metadata", [1, "{}", [], true, { a: "x".repeat(1017) }]],
        ] satisfies [string, unknown[]][])
      : []),
  ])("a wrong %s is a 400 that names it and quotes nothing", async ([field, values]) => {
    touched = 0;
    for (const value of values) {
      const reply = await send(name, JSON.stringify({ ...valid, [field]: value }));
      expect(reply, String(value)).toMatchObject({
        status: 400,
        body: { code: "bad_request", field, message: expect.stringContaining(`${field} must be `) },
      });
      expect(JSON.stringify(reply)).not.toContain("xxx");
    }
    expect(touched).toBe(0);
  });

  test("a 400 leaves one log line, which names the field and nothing of its value", async () => {
    const noted = vi.spyOn(console, "info").mockImplementation(() => {});
    onTestFinished(() => noted.mockRestore());
    await send(name, JSON.stringify({ ...valid, license_key: "x".repeat(129) }));
    expect(noted.mock.calls).toEqual([
      [{ code: "bad_request", status: 400, request_id: "request-1", field: "license_key" }],
    ]);
  });

  test("what is just within the limits is read", async () => {
    touched = 0;
    const body = {
      license_key: ` ${"x".repeat(128)} `,
      device_fingerprint: "x".repeat(255),
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
    expect(touched).toBe(1);
  });

  test("fields that no one asked for are ignored", async () => {
    touched = 0;
    await send(name, JSON.stringify({ ...valid, constructor: 1, toString: null, other: [[]] }));
    expect(touched).toBe(1);
  });

  test("a body of exactly 16 KiB is read", async () => {
    const most = 16 * 1024 - JSON.stringify({ ...valid, padding: "" }).length;
    const body = JSON.stringify({ ...valid, padding: "x".repeat(most) });
    expect((await send(name, body)).body.code).not.toBe("bad_request");
    expect((await send(name, `${body} `)).body.field).toBe("body");
  });

  test("null in an optional field is the same as leaving it out", async () => {
    const nulls = {
      symbol: null,
      symbols: null,
      session_id: null,
      run_id: null,
      claim_number: null,
    };
    const flags = { check_only: null, only_if_free: null, ask_holder: null, keep: null };
    const reports = { bot_version: null, status: null, metadata: null };
    const without = await send(name, JSON.stringify(valid));
    expect(await send(name, JSON.stringify({ ...valid, ...nulls, ...flags, ...reports }))).toEqual(
      without,
    );
  });

  test("__proto__ lends no field, wherever it stands", async () => {
    touched = 0;
    const inherited = `{"__proto__":${JSON.stringify(valid)}}`;
    expect((await send(name, inherited)).body.field).toBe("license_key");
    expect(touched).toBe(0);
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
    touched = 0;
    expect(await send(name, JSON.stringify({ ...valid, ...wrong }))).toMatchObject({
      status: 400,
      body: { code: "bad_request", field, message },
    });
    expect(touched).toBe(0);
  });
});

test("NULs after a body are ignored, as MQL sends them", async () => {
  const plain = await send("validate", JSON.stringify(valid));
  expect(await send("validate", `${JSON.stringify(valid)}\0\0`)).toEqual(plain);
  expect((await send("validate", `${JSON.stringify(valid)}\0 `)).body.field).toBe("body");
});

test("a device of 128 emoji is one, of 512 bytes", async () => {
  const body = JSON.stringify({ ...valid, device_fingerprint: "😀".repeat(128) });
  expect((await send("validate", body)).body.code).toBe("license_unknown");
});

test("each route refuses in its own words", async () => {
  const refusal = { code: "bad_request", field: "body", message: expect.any(String) };
  expect((await send("validate", "")).body).toEqual({ license_valid: false, ...refusal });
  expect((await send("heartbeat", "")).body).toEqual({ status: "error", ...refusal });
  expect((await send("release", "")).body).toEqual({ status: "error", ...refusal });
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
