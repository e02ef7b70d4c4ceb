import { stdout } from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { engineForTests } from "../../support/engine-for-tests.ts";
import type { Engine } from "../../support/engines.ts";
import { twoDevices } from "../../support/license-on-two-devices.ts";
import { startMeter } from "../../support/meter.ts";
import type { Reply } from "../../support/test-service.ts";

const sizes = [1, 4, 20, 100] as const;
/** Of DynamoDB, for one expression. */
const most = { bytes: 4_096, operators: 300 };

type License = Awaited<ReturnType<typeof licenseFor>>;

/** Names of 6 characters, as those of currency pairs. */
function symbolsOf(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`.padEnd(8, "-"));
}

async function licenseFor(endpoint: string, size: number, maxSessions: number) {
  const engine = { endpoint, tableName: "Sessions", stop: async () => {} };
  const opened = await twoDevices(engine, {}, { maxSessions });
  const { service, license_key, x, y, ofB, a } = opened;
  const symbols = symbolsOf(size, "S");
  const granted = async (claim: object) => {
    const { body } = await service.validate(claim);
    if (body.code !== "granted") throw new Error(`It was not granted: ${body.code}`);
    // Not the instant of the token that stands.
    service.passSeconds(1);
    return { ...a, session_id: body.session_id, symbols };
  };
  return {
    service,
    license_key,
    symbols,
    /** Of all symbols, and as an attempt that is repeated. */
    claim: () => service.validate({ ...x(1), symbols }),
    claimOfAnotherRun: () => service.validate({ ...y(1), symbols }),
    releaseByOpening: () => service.release({ ...x(1), symbols }),
    byA: () => granted({ ...x(1), symbols }),
    byAAgain: () => granted({ ...y(1), symbols }),
    byB: (names: readonly string[]) => granted({ ...ofB(1), symbols: names }),
    /** Each name in a session of its own, of one device, lapsed. */
    async lapsed(names: readonly string[]) {
      const atMs = service.nowMs();
      const session = (index: number) => ({
        device_fingerprint: "device-b-0123456789",
        session_id: `session-${index}`,
        started_at: atMs,
        last_heartbeat: atMs,
        lease_ms: 60_000,
        lapses_at: atMs + 60_000,
      });
      const sessions = Object.fromEntries(names.map((name, index) => [name, session(index)]));
      await service.change(license_key, { sessions });
      service.passSeconds(60);
    },
  };
}

/** What each path asks, after what, and how many calls it may take. */
type Path = {
  seats?: "as many";
  before?(license: License): Promise<unknown>;
  /** @param session what came before has returned */
  ask(license: License, session: unknown): Promise<Reply>;
  code: string;
  calls: number;
};

const sixtyPercentOf = ({ symbols }: License) => symbols.slice(0, Math.ceil(symbols.length * 0.6));
const held = ({ byA }: License) => byA();
const contested = async ({ byA, byAAgain }: License) => {
  await byA();
  return byAAgain();
};
const heartbeat: Path["ask"] = ({ service }, session) => service.heartbeat(session);
const release: Path["ask"] = ({ service }, session) => service.release(session);
const releaseOfSome: Path["ask"] = (license, session) =>
  license.service.release({ ...(session as object), symbols: sixtyPercentOf(license) });
const claim: Path["ask"] = (license) => license.claim();

const paths: Record<string, Path> = {
  "claim, all free": { ask: claim, code: "granted", calls: 1 },
  "claim, all lapsed": {
    async before({ service, symbols, byB }) {
      await byB(symbols);
      service.passSeconds(60);
    },
    ask: claim,
    code: "granted",
    calls: 2,
  },
  "claim, half lapsed, half absent": {
    async before({ service, symbols, byB }) {
      await byB(symbols.slice(0, Math.ceil(symbols.length / 2)));
      service.passSeconds(60);
    },
    ask: claim,
    code: "granted",
    calls: 2,
  },
  "claim, lapsed by as many sessions": {
    before: ({ lapsed, symbols }) => lapsed(symbols),
    ask: claim,
    code: "granted",
    calls: 2,
  },
  "claim, replacing one's own": {
    before: held,
    ask: ({ claimOfAnotherRun }) => claimOfAnotherRun(),
    code: "granted",
    calls: 2,
  },
  "claim, displacing as many": {
    seats: "as many",
    before: ({ lapsed, symbols }) => lapsed(symbolsOf(symbols.length, "T")),
    ask: claim,
    code: "granted",
    calls: 2,
  },
  "claim, repeated": { before: held, ask: claim, code: "granted", calls: 2 },
  "claim, refused": {
    before: ({ byB, symbols }) => byB(symbols),
    ask: claim,
    code: "session_conflict",
    calls: 1,
  },
  heartbeat: { before: held, ask: heartbeat, code: "recorded", calls: 1 },
  "heartbeat, one lost": {
    async before({ service, license_key, symbols: [first], byA }) {
      const session = await byA();
      await service.endSession(license_key, first);
      return session;
    },
    ask: heartbeat,
    code: "session_ended",
    calls: 1,
  },
  "heartbeat, refused": {
    async before({ byA, byAAgain }) {
      const session = await byA();
      await byAAgain();
      return session;
    },
    ask: heartbeat,
    code: "session_replaced",
    calls: 1,
  },
  "release of all": { before: held, ask: release, code: "released", calls: 1 },
  "release of 60 %": { before: held, ask: releaseOfSome, code: "released", calls: 1 },
  "release of all by run and number": {
    before: held,
    ask: ({ releaseByOpening }) => releaseByOpening(),
    code: "released",
    calls: 2,
  },
  "release of all, contested": { before: contested, ask: release, code: "released", calls: 2 },
  "release of 60 %, contested": {
    before: contested,
    ask: releaseOfSome,
    code: "released",
    calls: 2,
  },
};

function operatorsIn(expression: string): number {
  return expression.match(/[<>]=?|=|\b(?:AND|OR|NOT|attribute_\w+|size)\b/g)?.length ?? 0;
}

/** What the paths of several symbols cost, by the engine that counts units as DynamoDB does. */
export function describeCostOfSymbols(engine: () => Engine): void {
  describe("of several symbols in one session", () => {
    const meter = engineForTests(() => startMeter(engine()));
    const printed = [
      ["calls | units | condition bytes | operators, by symbols:", ...sizes.map(String)],
    ];
    afterAll(() => {
      for (const row of printed) {
        stdout.write(`${row.map((cell, column) => cell.padEnd(column ? 20 : 55)).join(" ")}\n`);
      }
    });

    test.for(Object.entries(paths))(
      "%s costs what it may, at 1, 4, 20 and 100",
      async ([name, path]) => {
        const row = [name];
        printed.push(row);
        for (const size of sizes) {
          const seats = path.seats === undefined ? 100 : size;
          const license = await licenseFor(meter().endpoint, size, seats);
          const session = await path.before?.(license);
          // DynamoDB takes as much for a write that it refuses; DynamoDB Local does not say.
          meter().take();
          await license.service.change(license.license_key, {});
          const unitsOfRefused = meter().take().at(-1)?.units ?? 0;
          const conditions: string[] = [];
          meter().onCall((_operation, { ConditionExpression = "", UpdateExpression = "" }) => {
            expect(Buffer.byteLength(String(UpdateExpression))).toBeLessThanOrEqual(most.bytes);
            conditions.push(String(ConditionExpression));
            return undefined;
          });
          const { body } = await path.ask(license, session);
          meter().onCall(() => undefined);
          const calls = meter().take();
          expect([size, body.code, calls.length]).toEqual([size, path.code, path.calls]);
          const units = calls.reduce((sum, call) => sum + (call.units || unitsOfRefused), 0);
          const bytes = Math.max(...conditions.map((condition) => Buffer.byteLength(condition)));
          const operators = Math.max(...conditions.map(operatorsIn));
          expect(bytes).toBeGreaterThan(0);
          expect(bytes).toBeLessThanOrEqual(most.bytes);
          expect(operators).toBeLessThanOrEqual(most.operators);
          if (path.calls === 1) expect(units).toBeLessThanOrEqual(size === 100 ? 2 : 1);
          row.push(`${calls.length} | ${units} | ${bytes} | ${operators}`);
        }
      },
    );
  });
}
