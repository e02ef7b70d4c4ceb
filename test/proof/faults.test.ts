import { randomUUID } from "node:crypto";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { type Fault, fastFaults, slowFaults } from "../support/fault-proxy.ts";
import { printTried, scaled } from "./case-counts.ts";
import { type Answer, type FaultyService, startFaultyService } from "./faulty-service.ts";

const nowMs = Date.UTC(2026, 0, 5, 12);
const leaseMs = 60_000;
const owner = { device_fingerprint: "alpha-0123456789" };
const rival = { device_fingerprint: "bravo-0123456789", symbol: "ES", ...runOf("rival") };
const charlie = "charlie-01234567";

type Situation = {
  route: "claim" | "heartbeat" | "release";
  fields: object;
  sessions: Record<string, object | string>;
  portfolios?: Record<string, object>;
};

/** What the owner does while the database fails, and the sessions it finds. */
const situations: Situation[] = [
  { route: "claim", fields: { symbol: "ES", ...runOf("owner") }, sessions: {} },
  { route: "claim", fields: { symbol: "ES" }, sessions: { OLD: sessionOf(charlie, 60_000) } },
  {
    route: "claim",
    fields: { symbol: "ES", ...runOf("owner") },
    sessions: { ES: sessionOf(charlie, 60_000) },
  },
  { route: "claim", fields: { symbols: ["ES"], ...runOf("owner") }, sessions: {} },
  { route: "claim", fields: { symbol: "ES", check_only: true }, sessions: {} },
  {
    route: "heartbeat",
    fields: { symbol: "ES", session_id: "held", status: "running" },
    sessions: { ES: sessionOf(owner.device_fingerprint, 20_000) },
  },
  {
    route: "heartbeat",
    fields: { symbol: "ES" },
    sessions: { ES: sessionOf(owner.device_fingerprint, 60_000) },
  },
  {
    route: "heartbeat",
    fields: { symbols: ["ES"], session_id: "held.abc.1" },
    sessions: { ES: "abc" },
    portfolios: {
      abc: { ...sessionOf(owner.device_fingerprint, 20_000, "held.abc.1"), run_id: "r" },
    },
  },
  {
    route: "release",
    fields: { symbol: "ES", session_id: "held" },
    sessions: { ES: sessionOf(owner.device_fingerprint, 20_000) },
  },
];

let service: FaultyService;
beforeAll(async () => {
  vi.spyOn(console, "info").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  service = await startFaultyService();
});
afterAll(() => service.stop());

test("whatever happens on the wire, at any attempt: no false success, nobody else is let in, and 500 in time", async () => {
  const sweeps = scaled(1, 26);
  const slow = scaled(0, 1) ? slowFaults : [];
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const cases = [...fastFaults, ...slow].flatMap((fault) => casesOf(fault, situations));
    await atOnce(48, cases);
  }
  // Those take seconds each, so a normal run tries them only on the first attempt.
  if (scaled(1, 0)) {
    await atOnce(
      48,
      slowFaults.flatMap((fault) => situations.map((one): Case => [[fault], one])),
    );
  }
  const { spoiled } = service.proxy;
  const counts = [...spoiled].map(([fault, attempts]) => `${sum(attempts.values())} ${fault}`);
  const total = sum([...spoiled.values()].map((attempts) => sum(attempts.values())));
  printTried(`${total} faulted requests: ${counts.join(", ")}`);
  for (const fault of [...fastFaults, ...slow])
    expect([...(spoiled.get(fault)?.keys() ?? [])].sort(), fault).toEqual([1, 2, 3]);
  expect(spoiled.size).toBe(fastFaults.length + slowFaults.length);
  expect(total).toBeGreaterThan(scaled(400, 20_000));
}, 3_600_000);

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, one) => total + one, 0);
}

/** What the SDK does not try again, or has no time to. */
const final: readonly Fault[] = [
  "table missing",
  "garbage instead of an answer",
  "garbage after it was applied",
  "answer byte by byte",
];
const maxAttempts = 3;

type Case = readonly [Fault[], Situation];

/** The fault at the first, second and third attempt of the SDK, and at all of them. */
function casesOf(fault: Fault, all: Situation[]): Case[] {
  const before: Fault = "500 before it is applied";
  const plans: Fault[][] = [
    [fault],
    [before, fault],
    [before, before, fault],
    [fault, fault, fault],
  ];
  return plans.flatMap((plan) => all.map((situation): Case => [plan, situation]));
}

/** After a failure no further case is begun, and those under way are waited for. */
async function atOnce(count: number, cases: Case[]) {
  const pending = cases.values();
  const workers = Array.from({ length: count }, async () => {
    for (const [plan, situation] of pending) await expectPromisesKept(plan, situation);
  });
  const failures = workers.map((worker) => worker.catch(() => void [...pending]));
  await Promise.all(failures);
  await Promise.all(workers);
}

async function expectPromisesKept(plan: Fault[], situation: Situation) {
  const { route, fields, sessions, portfolios = {} } = situation;
  const about = `${route} ${JSON.stringify(fields)} with ${plan.join(", then ")}`;
  const licenseKey = `KEY-${randomUUID()}`;
  const license = { license_key: licenseKey };
  const licenseId = licenseIdOf(licenseKey);
  const before = {
    license_id: licenseId,
    status: "active",
    license_type: "standard",
    max_sessions: 1,
    fencing_token: 7,
    sessions,
    portfolios,
  };
  const { engine, tableName: TableName, clock, proxy } = service;
  await engine.send(new PutItemCommand({ TableName, Item: marshall(before) }));
  const faulty = service.throughProxy(nowMs);
  const healthy = service.pastProxy(nowMs);

  proxy.plan(licenseId, plan);
  const startedAtMs = clock.nowMs();
  const asked = faulty.ask(route, { ...license, ...owner, ...fields }).then((answer) => {
    expect(clock.nowMs() - startedAtMs, about).toBeLessThan(4_500);
    const isOvercome = plan.length < maxAttempts && !plan.some((fault) => final.includes(fault));
    if (isOvercome) expect(answer.body.code, about).not.toBe("internal_error");
    return answer;
  });
  // At any moment, or just when the first attempt was applied, if it was, and another is to come.
  await (Math.random() < 0.5
    ? clock.wait(Math.random() * 60)
    : Promise.race([proxy.firstFaultOver(licenseId), clock.wait(1_000)]));
  const rivals = await healthy.ask("claim", { ...license, ...rival });
  const answer = await asked;
  proxy.plan(licenseId, []);
  faulty.stop();

  const session = await sessionStored();
  const isOwners = session.device_fingerprint === owner.device_fingerprint;
  const isRivals = rivals.status === 200;
  switch (answer.body.code) {
    case "granted":
    case "recorded":
      // The rival was let in by nothing, neither before nor after.
      expect({ isOwners, isRivals }, about).toEqual({ isOwners: true, isRivals: false });
      expect(session.lapses_at, about).toBe(nowMs + leaseMs);
      expect([session.session_id, undefined], about).toContain(sessionIdOf(answer));
      break;
    case "released":
      expect(isOwners, about).toBe(false);
      break;
    case "available":
      expect(isOwners, about).toBe(false);
      break;
    default:
      // Nothing is confirmed. Whoever stands there now was granted it, or held it before.
      if (isRivals) expect(isOwners, about).toBe(false);
  }
  if (isRivals) expect(session.session_id, about).toBe(rivals.body.session_id);

  async function sessionStored(): Promise<Record<string, unknown>> {
    const Key = { license_id: { S: licenseId } };
    const read = new GetItemCommand({ TableName, Key, ConsistentRead: true });
    const { Item } = await engine.send(read);
    const item = Item ? unmarshall(Item) : {};
    const entry = item.sessions?.ES ?? {};
    return typeof entry === "string" ? (item.portfolios?.[entry] ?? {}) : entry;
  }
}

function sessionIdOf({ body }: Answer): unknown {
  return body.session_id;
}

function runOf(name: string) {
  return { run_id: `the run of the ${name}`, claim_number: 1 };
}

function sessionOf(device_fingerprint: string, ageMs: number, session_id = "held") {
  const last_heartbeat = nowMs - ageMs;
  return {
    device_fingerprint,
    session_id,
    fencing_token: 7,
    started_at: last_heartbeat,
    last_heartbeat,
    lease_ms: leaseMs,
    lapses_at: last_heartbeat + leaseMs,
  };
}
