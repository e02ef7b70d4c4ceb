import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import {
  absent,
  and,
  atLeast,
  atMost,
  equal,
  exists,
  greater,
  holds,
  less,
  not,
  or,
  type Predicate,
  sizeAtMost,
  sizeBelow,
} from "../../../lambdas/rules/predicate.ts";
import type { Change } from "../../../lambdas/rules/rule-run.ts";
import { openTable } from "../../../lambdas/store/table.ts";
import { clientFor, type Engine } from "../../support/engines.ts";
import { heldByA, twoDevices } from "../../support/license-on-two-devices.ts";
import { openTestService } from "../../support/test-service.ts";

/** The promise, and what engines could take differently: the language of writes, and what a refused one returns. */
export function describeEngine(engine: () => Engine): void {
  const session = { device_fingerprint: "device", session_id: "id", started_at: 1 };
  const item = {
    license_id: "an-item",
    status: "active",
    license_type: "standard",
    max_sessions: 2,
    fencing_token: 7,
    sessions: {
      ES: { ...session, last_heartbeat: 1, lapses_at: 60, lease_ms: 59, confirmed: true },
      "odd.name #1": "key",
    },
    portfolios: {},
  };

  async function database() {
    const { endpoint, tableName } = engine();
    const client = DynamoDBDocumentClient.from(clientFor(endpoint));
    await client.send(new PutCommand({ TableName: tableName, Item: item }));
    const { signal } = new AbortController();
    return openTable({ client, tableName }).forRequest({ signal, nowMs: 0 });
  }

  const es = (name: string) => ["sessions", "ES", name];
  const member = ["sessions", "odd.name #1"];
  const sessions = ["sessions"];
  const predicates: Predicate[] = [
    ...[59, 60, 61].flatMap((value) =>
      [equal, less, atMost, greater, atLeast].map((op) => op(es("lapses_at"), value)),
    ),
    // Nothing compares with what is not there, nor with another type.
    ...[less, atMost, greater, atLeast].flatMap((op) => [
      op(es("contested_until"), 60),
      op(["sessions", "NQ", "lapses_at"], 60),
      op(es("session_id"), 60),
      op(member, 60),
      not(op(es("contested_until"), 60)),
    ]),
    equal(es("last_heartbeat"), es("started_at")),
    equal(es("lapses_at"), es("started_at")),
    equal(es("contested_until"), es("started_at")),
    equal(es("session_id"), "id"),
    equal(es("session_id"), 1),
    equal(es("confirmed"), true),
    equal(member, "key"),
    ...[exists, absent].flatMap((op) => [
      op(es("lease_ms")),
      op(["sessions", "NQ"]),
      op(["none", "x"]),
    ]),
    ...[1, 2, 3].flatMap((most) => [sizeBelow(sessions, most), sizeAtMost(sessions, most)]),
    sizeBelow(sessions, ["max_sessions"]),
    sizeAtMost(sessions, ["max_sessions"]),
    sizeAtMost(sessions, ["none"]),
    sizeAtMost(["none"], 5),
    and(exists(sessions), or(absent(sessions), not(equal(["status"], "cancelled")))),
    not(and(exists(sessions), absent(["portfolios"]))),
    or(and(exists(sessions), absent(sessions)), exists(["portfolios", "key"])),
  ];

  test("a condition is true on the engine where the rules say so", async () => {
    const table = await database();
    for (const predicate of predicates) {
      const change: Change = { set: [[["email"], "written"]], remove: [] };
      const written = await table.update(item.license_id, predicate, change);
      expect([predicate, written.applied]).toEqual([predicate, holds(predicate, item)]);
    }
  });

  test("a write returns the item as it was, and what it made of it is what is stored", async () => {
    const table = await database();
    const change: Change = {
      set: [
        [["fencing_token"], { kind: "sum", path: ["fencing_token"], ifAbsent: 0, plus: 1 }],
        [["email"], "a@b.c"],
        [es("last_heartbeat"), 100],
        [es("lapses_at"), { kind: "sum", path: es("lease_ms"), plus: 100 }],
        [es("kept_until"), { kind: "sum", path: es("last_heartbeat"), plus: 100 }],
        [["created_at"], { kind: "sum", path: ["created_at"], ifAbsent: 3, plus: 1 }],
        [["portfolios", "key"], { vacated_by: "device", lapses_at: 5 }],
      ],
      remove: [es("confirmed"), ["sessions", "odd.name #1"]],
    };
    const written = await table.update(item.license_id, exists(["license_id"]), change);
    if (!written.applied) throw new Error("It was refused");
    expect(written.before.stored).toEqual(item);
    expect(written.after.stored).toMatchObject({ fencing_token: 8, created_at: 4 });
    expect(await table.get(item.license_id)).toEqual(written.after);
  });

  test("a refused write returns the item that it met, or that there is none", async () => {
    const table = await database();
    const change: Change = { set: [[["email"], "written"]], remove: [] };
    const refused = await table.update(item.license_id, equal(["status"], "cancelled"), change);
    expect(refused).toEqual({ applied: false, seen: await table.get(item.license_id) });
    const none = await table.update("no-such-item", exists(["license_id"]), change);
    expect(none).toEqual({ applied: false, seen: undefined });
  });

  describe("two devices are never let in at once:", () => {
    test("heartbeats every 20 s keep a second device out beyond 60 s", async () => {
      const { service, b, held } = await heldByA(engine());
      for (let elapsed = 20; elapsed <= 300; elapsed += 20) {
        service.passSeconds(20);
        expect((await service.heartbeat(held)).status).toBe(200);
        expect(await service.validate(b)).toMatchObject({
          status: 403,
          body: { code: "session_conflict", estimated_wait_seconds: 60 },
        });
      }
    });

    test("60 s after the last heartbeat the second device is let in, and the first one's next heartbeat gets 500", async () => {
      const { service, b, held } = await heldByA(engine());
      service.passSeconds(20);
      await service.heartbeat(held);
      service.passMs(59_999);
      expect((await service.validate(b)).status).toBe(403);
      service.passMs(1);
      expect((await service.validate(b)).status).toBe(200);
      expect(await service.heartbeat(held)).toMatchObject({
        status: 500,
        body: { code: "session_taken", session_conflict: true },
      });
    });

    test("many claims of one moment let exactly one device in", async () => {
      const { service, license_key } = await twoDevices(engine());
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          service.validate({ license_key, device_fingerprint: `device-${index}-of-twenty` }),
        ),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(replies.filter(({ body }) => body.code === "session_conflict")).toHaveLength(19);
    });

    test("a late heartbeat and a new claim of one moment never leave two holders", async () => {
      for (let round = 0; round < 20; round++) {
        const { service, a, b } = await twoDevices(engine());
        await service.validate(a);
        service.passSeconds(60);
        const [beat, claim] = await Promise.all([service.heartbeat(a), service.validate(b)]);
        expect([beat.status, claim.status].filter((status) => status === 200)).toHaveLength(1);
      }
    });
  });

  test("a session is claimed, kept, replaced, contested, released, ended and displaced", async () => {
    const service = openTestService(engine());
    const license_key = await service.license({ maxSessions: 2 });
    const a = { license_key, device_fingerprint: "device-a-0123456789" };
    const x = { ...a, run_id: "run-x-0123456789" };
    const symbols = { symbols: ["ES", "nq"] };
    const codes: unknown[] = [];
    const record = ({ body }: { body: Record<string, unknown> }) => {
      codes.push(body.code);
      return { session_id: body.session_id };
    };
    const one = record(await service.validate({ ...x, claim_number: 1, ...symbols }));
    record(await service.heartbeat({ ...a, ...one, ...symbols }));
    const two = record(await service.validate({ ...x, claim_number: 2, ...symbols }));
    record(await service.release({ ...a, ...two, symbols: ["NQ"] }));
    record(await service.heartbeat({ ...a, ...two, ...symbols }));
    await service.endSession(license_key, "ES");
    record(await service.heartbeat({ ...a, ...two, symbols: ["ES"] }));
    service.passSeconds(60);
    record(await service.validate({ license_key, device_fingerprint: "another", symbol: "CL" }));
    expect(codes).toEqual([
      "granted",
      "recorded",
      "granted",
      "released",
      "session_not_found",
      "session_ended",
      "granted",
    ]);
    expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toHaveLength(2);
  });
}
