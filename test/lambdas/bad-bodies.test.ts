import { randomInt } from "node:crypto";
import { env, stdout } from "node:process";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { handlers, takeTouches } from "./untouched-table.ts";

/** More under `npm run test:deep`, fewer against a mutant. */
const runs = env.PROOF === "deep" ? 100_000 : env.PROOF === "mutation" ? 150 : 1_500;
/** Replays the cases of an earlier run, whose seed was printed. */
const seed = env.PROOF_SEED ? Number(env.PROOF_SEED) : randomInt(2 ** 31);

/** In every mangled part of a body: wherever it turns up again, the body was quoted. */
const mark = "Zq7XkMarkZq7Xk";

const logged: unknown[] = [];
beforeAll(() => {
  vi.spyOn(console, "info").mockImplementation((line) => logged.push(line));
  vi.spyOn(console, "error").mockImplementation((line) => logged.push(line));
});
afterAll(() => vi.restoreAllMocks());

const valid = { license_key: "KEY", device_fingerprint: "device" };
const marked = fc.string({ unit: "binary", maxLength: 20 }).map((text) => `${text}${mark}`);
const strange = fc.oneof(
  fc.json().map((text) => JSON.parse(text)),
  fc.constantFrom(null, true, 1e308, -0, 2 ** 53, [], {}, "", " ", "\ud800", `\udfff${mark}`),
  marked,
  fc.string({ unit: "binary" }),
  fc.dictionary(marked, fc.jsonValue(), { noNullPrototype: true }),
);
const fields = [
  ...["license_key", "device_fingerprint", "symbol", "symbols", "run_id", "claim_number"],
  ...["session_id", "check_only", "only_if_free", "ask_holder", "keep"],
];
const reports = ["bot_version", "status", "metadata", "__proto__", "constructor"];

/** Text of a body: valid JSON of a wrong shape, half of it, twice of it, or no JSON at all. */
const text = fc.oneof(
  fc
    .record({ name: fc.constantFrom(...fields, ...reports), value: strange })
    .map(({ name, value }) => JSON.stringify({ ...valid, [name]: value })),
  fc
    .record({ name: fc.constantFrom(...fields, ...reports), value: strange })
    .map(
      ({ name, value }) =>
        `{"license_key":"KEY","device_fingerprint":"d","${name}":1,"${name}":${JSON.stringify(value)}}`,
    ),
  fc.json(),
  marked,
  fc.string({ unit: "binary" }),
  strange.map((value) => JSON.stringify(value)),
  fc
    .record({ depth: fc.integer({ min: 1, max: 20_000 }), open: fc.constantFrom("[", '{"a":') })
    .map(({ depth, open }) => `{"license_key":"KEY","metadata":${open.repeat(depth)}`),
  fc
    .integer({ min: 1, max: 5_000 })
    .map((depth) => `{"license_key":"${mark}","x":${"[".repeat(depth)}${"]".repeat(depth)}}`),
  fc.constantFrom("1e999", "-", "0x1", "NaN", '{"license_key":1e999}', `{"a":1}${mark}`),
  fc
    .record({ at: fc.nat(60), junk: fc.string({ unit: "binary", maxLength: 3 }) })
    .map(({ at, junk }) => {
      const whole = JSON.stringify({ ...valid, symbol: "ES", session_id: "id" });
      return `${whole.slice(0, at)}${junk}${whole.slice(at + junk.length)}`;
    }),
);

type Event = { body?: string; isBase64Encoded: boolean };
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: text.map((body) => ({ body, isBase64Encoded: false })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ text, encoding: fc.constantFrom("utf8", "utf16le", "latin1") })
      .map(({ text, encoding }) => ({
        body: Buffer.from(text, encoding as BufferEncoding).toString("base64"),
        isBase64Encoded: true,
      })),
  },
  {
    weight: 2,
    arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => ({
      body: Buffer.from(bytes).toString("base64"),
      isBase64Encoded: true,
    })),
  },
  { weight: 1, arbitrary: text.map((body) => ({ body, isBase64Encoded: true })) },
  { weight: 1, arbitrary: fc.constant({ isBase64Encoded: false }) },
);

test("no body gets a 500, is written if it is refused, or is quoted back or logged", async () => {
  let refused = 0;
  const name = fc.constantFrom("validate" as const, "heartbeat" as const, "release" as const);
  await fc.assert(
    fc.asyncProperty(name, event, async (name, event) => {
      logged.length = 0;
      takeTouches();
      const received = { ...event, requestContext: { timeEpoch: 0 } };
      const result = await handlers[name](received, { awsRequestId: "request" });
      // There is no such license: a heartbeat says so with a 500 that is none of trouble.
      expect(JSON.parse(result.body ?? "").code).not.toBe("internal_error");
      expect(takeTouches()).toBe(result.statusCode === 400 ? 0 : 1);
      if (result.statusCode !== 400) return;
      refused++;
      expect(JSON.parse(result.body ?? "")).toMatchObject({ code: "bad_request" });
      expect(`${result.body}${JSON.stringify(logged)}`).not.toContain(mark);
    }),
    // `PROOF_PATH` leads straight to the case that a failure has named.
    { numRuns: runs, seed, ...(env.PROOF_PATH && { path: env.PROOF_PATH }) },
  );
  expect(refused).toBeGreaterThan(runs / 2);
  // Vitest shows nothing of a test that passes.
  stdout.write(`${runs} bodies, of which ${refused} were refused; PROOF_SEED=${seed}\n`);
}, 3_600_000);
