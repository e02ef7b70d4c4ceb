import { stdout } from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import type { Engine } from "../support/engines.ts";
import { startMeter } from "../support/meter.ts";
import type { Reply } from "../support/test-service.ts";
import { twoDevices } from "./two-devices.ts";

const sizes = [1, 4, 20, 100] as const;
/** Of DynamoDB, for one expression. */
const most = { bytes: 4_096, operators: 300 };

type Cost = { calls: number; units: number; bytes: number; operators: number };

type License = Awaited<ReturnType<typeof licenseFor>>;

/** Names of 6 characters, as those of currency pairs. */
function symbolsOf(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`.padEnd(8, "-"));
}

async function licenseFor(endpoint: string, size: number, maxSessions: number) {
  const opened = await twoDevices(
    { endpoint, tableName: "Sessions", stop: async () => {} },
    {},
    { maxSessions },
  );
  const { service, x, y, ofB, a } = opened;
  const symbols = symbolsOf(size, "S");
  const claimed = async (claim: object) => {
    const { body } = await service.validate(claim);
    if (body.code !== "granted") throw new Error(`It was not granted: ${body.code}`);
    return { session_id: body.session_id };
  };
  return {
    ...opened,
    symbols,
    /** Not the instant of the token that stands. */
    pass: () => service.passSeconds(1),
    byA: async () => ({ ...a, ...(await claimed({ ...x(1), symbols })), symbols }),
    byAAgain: async () => ({ ...a, ...(await claimed({ ...y(1), symbols })), symbols }),
    byB: (names: readonly string[]) => claimed({ ...ofB(1), symbols: names }),
  };
}

/** How each path begins, what it asks then, and what it may take: calls, and units by size. */
const paths: Record<
  string,
  {
    seats?: "as many";
    begin(license: License): Promise<() => Promise<Reply>>;
    code: string;
    calls: number;
    /** With 100 symbols; 2 if a path of one call says nothing. */
    units?: number;
  }
> = {
  "claim, all free": {
    begin:
      async ({ service, x, symbols }) =>
      () =>
        service.validate({ ...x(1), symbols }),
    code: "granted",
    calls: 1,
  },
  "claim, all lapsed": {
    async begin({ service, x, symbols, byB }) {
      await byB(symbols);
      service.passSeconds(60);
      return () => service.validate({ ...x(1), symbols });
    },
    code: "granted",
    calls: 2,
  },
  "claim, half lapsed, half absent": {
    async begin({ service, x, symbols, byB }) {
      await byB(symbols.slice(0, Math.ceil(symbols.length / 2)));
      service.passSeconds(60);
      return () => service.validate({ ...x(1), symbols });
    },
    code: "granted",
    calls: 2,
  },
  "claim, lapsed by as many sessions": {
    async begin({ service, license_key, x, symbols }) {
      await service.change(license_key, { sessions: lapsedSessions(symbols, service.nowMs()) });
      service.passSeconds(60);
      return () => service.validate({ ...x(1), symbols });
    },
    code: "granted",
    calls: 2,
  },
  "claim, replacing one's own": {
    async begin({ service, y, symbols, byA, pass }) {
      await byA();
      pass();
      return () => service.validate({ ...y(1), symbols });
    },
    code: "granted",
    calls: 2,
  },
  "claim, displacing as many": {
    seats: "as many",
    async begin({ service, license_key, x, symbols }) {
      const others = symbolsOf(symbols.length, "T");
      await service.change(license_key, { sessions: lapsedSessions(others, service.nowMs()) });
      service.passSeconds(60);
      return () => service.validate({ ...x(1), symbols });
    },
    code: "granted",
    calls: 2,
  },
  "claim, repeated": {
    async begin({ service, x, symbols, byA, pass }) {
      await byA();
      pass();
      return () => service.validate({ ...x(1), symbols });
    },
    code: "granted",
    calls: 2,
  },
  "claim, refused": {
    async begin({ service, x, symbols, byB, pass }) {
      await byB(symbols);
      pass();
      return () => service.validate({ ...x(1), symbols });
    },
    code: "session_conflict",
    calls: 1,
  },
  heartbeat: {
    async begin({ service, byA, pass }) {
      const held = await byA();
      pass();
      return () => service.heartbeat(held);
    },
    code: "recorded",
    calls: 1,
  },
  "heartbeat, one lost": {
    async begin({ service, license_key, symbols: [first], byA, pass }) {
      const held = await byA();
      await service.endSession(license_key, first);
      pass();
      return () => service.heartbeat(held);
    },
    code: "session_ended",
    calls: 1,
    // An operator's note and a vacancy stand in the item as well.
    units: 3,
  },
  "heartbeat, refused": {
    async begin({ service, byA, byAAgain, pass }) {
      const held = await byA();
      pass();
      await byAAgain();
      return () => service.heartbeat(held);
    },
    code: "session_replaced",
    calls: 1,
  },
  "release of all": {
    async begin({ service, byA }) {
      const held = await byA();
      return () => service.release(held);
    },
    code: "released",
    calls: 1,
  },
  "release of 60 %": {
    async begin({ service, symbols, byA }) {
      const held = await byA();
      const some = symbols.slice(0, Math.ceil(symbols.length * 0.6));
      return () => service.release({ ...held, symbols: some });
    },
    code: "released",
    calls: 1,
  },
  "release of all by run and number": {
    async begin({ service, symbols, x, byA }) {
      await byA();
      return () => service.release({ ...x(1), symbols });
    },
    code: "released",
    calls: 2,
  },
  "release of all, contested": {
    async begin({ service, byA, byAAgain, pass }) {
      await byA();
      pass();
      const held = await byAAgain();
      return () => service.release(held);
    },
    code: "released",
    calls: 2,
  },
  "release of 60 %, contested": {
    async begin({ service, symbols, byA, byAAgain, pass }) {
      await byA();
      pass();
      const held = await byAAgain();
      const some = symbols.slice(0, Math.ceil(symbols.length * 0.6));
      return () => service.release({ ...held, symbols: some });
    },
    code: "released",
    calls: 2,
  },
};

/** Each symbol in a session of its own, of one device, lapsed a minute after that. */
function lapsedSessions(symbols: readonly string[], atMs: number) {
  const session = (index: number) => ({
    device_fingerprint: "device-b-0123456789",
    session_id: `session-${index}`,
    started_at: atMs,
    last_heartbeat: atMs,
    lease_ms: 60_000,
    lapses_at: atMs + 60_000,
  });
  return Object.fromEntries(symbols.map((symbol, index) => [symbol, session(index)]));
}

/** What DynamoDB takes for a write that it refuses; DynamoDB Local does not say. */
function unitsOf(item: unknown): number {
  return Math.ceil((bytesOf(item) - 3) / 1_024);
}

/** By DynamoDB's description of the size of an item. */
function bytesOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return Buffer.byteLength(value);
    case "number":
      return Math.ceil(String(value).replace(/0+$/, "").length / 2) + 1;
    case "object":
      return Object.entries(value ?? {}).reduce(
        (sum, [name, inside]) => sum + 1 + Buffer.byteLength(name) + bytesOf(inside),
        3,
      );
    default:
      return 1;
  }
}

function operatorsIn(expression: string): number {
  return expression.match(/[<>]=?|=|\b(?:AND|OR|NOT|attribute_\w+|size)\b/g)?.length ?? 0;
}

/** What the paths of several symbols cost, by the engine that counts units as DynamoDB does. */
export function describeCostOfSymbols(engine: () => Engine): void {
  describe("of several symbols in one session", () => {
    const meter = engineForTests(() => startMeter(engine()));
    const table = new Map<string, Cost[]>();
    afterAll(() => {
      const rows = [...table].map(([name, costs]) => [
        name,
        ...costs.map(
          ({ calls, units, bytes, operators }) => `${calls} | ${units} | ${bytes} | ${operators}`,
        ),
      ]);
      const head = ["calls | units | condition bytes | operators, by symbols:", ...sizes];
      for (const row of [head, ...rows]) {
        stdout.write(
          `${row.map((cell, column) => `${cell}`.padEnd(column ? 20 : 55)).join(" ")}\n`,
        );
      }
    });

    test.for(Object.entries(paths))(
      "%s costs what it may, at 1, 4, 20 and 100",
      async ([name, path]) => {
        const costs: Cost[] = [];
        table.set(name, costs);
        for (const size of sizes) {
          const seats = path.seats === undefined ? 100 : size;
          const license = await licenseFor(meter().endpoint, size, seats);
          const ask = await path.begin(license);
          const unitsOfRefused = unitsOf(await license.service.item(license.license_key));
          const expressions: { bytes: number; operators: number }[] = [];
          meter().take();
          meter().onCall((_operation, { ConditionExpression = "", UpdateExpression = "" }) => {
            const [condition, update] = [String(ConditionExpression), String(UpdateExpression)];
            expect(Buffer.byteLength(update)).toBeLessThanOrEqual(most.bytes);
            expressions.push({
              bytes: Buffer.byteLength(condition),
              operators: operatorsIn(condition),
            });
            return undefined;
          });
          const { body } = await ask();
          meter().onCall(() => undefined);
          const calls = meter().take();
          expect([size, body.code]).toEqual([size, path.code]);
          const units = calls.map((call) => call.units || unitsOfRefused);
          costs.push({
            calls: calls.length,
            units: units.reduce((sum, each) => sum + each, 0),
            bytes: Math.max(...expressions.map(({ bytes }) => bytes)),
            operators: Math.max(...expressions.map(({ operators }) => operators)),
          });
        }
        expect(costs.map(({ calls }) => calls)).toEqual(sizes.map(() => path.calls));
        for (const { bytes, operators } of costs) {
          expect(bytes).toBeGreaterThan(0);
          expect(bytes).toBeLessThanOrEqual(most.bytes);
          expect(operators).toBeLessThanOrEqual(most.operators);
        }
        if (path.calls === 1) {
          const [, , twenty, hundred] = costs.map(({ units }) => units);
          expect(twenty).toBeLessThanOrEqual(1);
          expect(hundred).toBeLessThanOrEqual(path.units ?? 2);
        }
      },
    );
  });
}
