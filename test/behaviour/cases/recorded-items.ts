import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import { twoDevices } from "../../support/license-on-two-devices.ts";
// What the functions and commands of these commits wrote, run on DynamoDB Local, without the keys'
// hashes. Each was begun at noon of 2026-01-05 and last touched 20 s later.
import recorded from "../../support/recorded-items/recorded-items.json" with { type: "json" };
import type { StoredLicense } from "../../support/test-service.ts";

const items = Object.entries(recorded).flatMap(([commit, ofCommit]) =>
  Object.entries(ofCommit).map(([name, item]) => ({ title: `${name} (${commit})`, item })),
);

/** Items of earlier versions are read: nothing that was live ends, and nobody is locked out. */
export function describeRecordedItems(engine: () => Engine): void {
  describe.each(items)("an item that was $title", ({ item }) => {
    async function deployed() {
      const opened = await twoDevices(engine());
      const { service, license_key } = opened;
      service.passSeconds(20);
      await service.change(license_key, item as unknown as Partial<StoredLicense>);
      const entry: Record<string, unknown> = item.sessions.ES;
      const lastMs = Number(entry.last_heartbeat ?? service.nowMs());
      const lapsesAtMs = Number(entry.lapses_at ?? lastMs + 60_000);
      const held = {
        ...opened.a,
        symbol: "ES",
        session_id: entry.session_id ?? entry.vacated_session_id ?? "unknown",
      };
      return { ...opened, entry, leftMs: lapsesAtMs - service.nowMs(), held };
    }

    test("lapses like any other: the next device waits to the end of the lease, and no longer", async () => {
      const { service, b, leftMs } = await deployed();
      service.passMs(leftMs - 1);
      expect((await service.validate({ ...b, symbol: "ES" })).body).toMatchObject({
        code: "session_conflict",
        active_device: "device-a...",
        estimated_wait_seconds: 1,
      });
      service.passMs(1);
      expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("granted");
    });

    test("is live for who held it, and for nobody if it was over", async () => {
      const { service, license_key, b, entry, leftMs, held } = await deployed();
      service.passSeconds(20);
      const { body } = await service.heartbeat(held);
      if (entry.session_id === undefined) {
        expect(body.code).toBe(entry.ended ? "session_ended" : "session_not_found");
        return;
      }
      const leaseMs = leftMs === 90_000 ? 90_000 : 60_000;
      expect(body).toMatchObject({
        code: "recorded",
        session_timeout_seconds: leaseMs / 1_000,
        fencing_token: item.fencing_token,
      });
      expect(await service.session(license_key, "ES")).toMatchObject({
        lease_ms: leaseMs,
        lapses_at: service.nowMs() + leaseMs,
      });
      service.takeCalls();
      expect((await service.heartbeat(held)).status).toBe(200);
      expect(service.takeCalls()).toEqual(["UpdateItem"]);
      service.passMs(leaseMs - 1);
      expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("session_conflict");
    });

    test("may be claimed by its device at once, alone or with other symbols, with a greater token", async () => {
      for (const symbols of [{ symbol: "ES" }, { symbols: ["ES", "NQ"] }]) {
        const { service, x } = await deployed();
        const { body } = await service.validate({ ...x(1), ...symbols });
        expect(body.code).toBe("granted");
        expect(Number(body.fencing_token)).toBeGreaterThan(item.fencing_token);
      }
    });

    test("may be ended by an operator, at once", async () => {
      const { service, license_key, b, held } = await deployed();
      await service.endSession(license_key, "ES", { now: true });
      expect((await service.heartbeat(held)).body.code).toBe("session_ended");
      expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("granted");
    });

    test("is kept by a legacy bot, and a release of what two copies may share leaves it to lapse", async () => {
      const { service, a, entry } = await deployed();
      if (entry.session_id === undefined) return;
      service.deploy({ legacyBots: true });
      const bot = { ...a, symbol: "ES" };
      for (let elapsed = 0; elapsed <= 120; elapsed += 20) {
        expect((await service.heartbeat(bot)).status).toBe(200);
        service.passSeconds(20);
      }
      const isShared = entry.contested_until !== undefined;
      expect((await service.release(bot)).body.code).toBe(isShared ? "left_to_lapse" : "released");
    });
  });
}
