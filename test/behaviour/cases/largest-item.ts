import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { longestEmail } from "../../../ops/terminal/option-readers.ts";
import { engineForTests } from "../../support/engine-for-tests.ts";
import type { Engine } from "../../support/engines.ts";
import { startMeter } from "../../support/meter.ts";
import { openTestService } from "../../support/test-service.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/abuse.md"), "utf8");
const seats = 20;

/** Of 255 characters and 512 bytes. */
const longestFingerprint = (letter: string) => `${letter}${"é".repeat(251)}€€€`;
/** Of 255 bytes. */
const longestSymbol = (index: number) => `${"€".repeat(84)}${100 + index}`;
const longestReport = {
  bot_version: "é".repeat(64),
  status: "é".repeat(64),
  metadata: { text: "x".repeat(1_024 - '{"text":""}'.length) },
};

/** What a heartbeat costs if the bots of its license have stored as much as they may. */
export function describeLargestItem(engine: () => Engine): void {
  describe("of the largest license", () => {
    const meter = engineForTests(() => startMeter(engine()));

    test("a heartbeat costs what docs/abuse.md says, and no text may be longer", async () => {
      const service = openTestService({ ...engine(), endpoint: meter().endpoint });
      const email = `${"x".repeat(longestEmail - 6)}@x.org`;
      const license_key = await service.license({ maxSessions: seats, email });
      const a = { license_key, device_fingerprint: longestFingerprint("a") };
      const b = { license_key, device_fingerprint: longestFingerprint("b") };
      const opening = (letter: string) => ({
        run_id: letter.repeat(64),
        claim_number: Number.MAX_SAFE_INTEGER,
      });
      const expected = async (code: string, asked: ReturnType<typeof service.validate>) => {
        const { body } = await asked;
        expect(body).toMatchObject({ code });
        return body;
      };

      const held: { session_id: unknown; symbols: string[] }[] = [];
      for (let index = 0; index < seats; index++) {
        const symbols = [longestSymbol(index)];
        await expected("granted", service.validate({ ...a, ...opening("x"), symbols }));
        const claimed = service.validate({ ...a, ...opening("y"), symbols });
        const { session_id } = await expected("granted", claimed);
        held.push({ session_id, symbols });
      }
      const beat = (each: object) => expected("recorded", service.heartbeat({ ...a, ...each }));
      for (const each of held) await beat({ ...each, ...longestReport, keep: true });
      service.passSeconds(40);
      for (const each of held) await beat(each);
      service.passSeconds(30);
      for (const { symbols } of held) {
        const asking = { ...b, ...opening("z"), symbols, ask_holder: true };
        const { holder_asked } = await expected("session_conflict", service.validate(asking));
        expect(holder_asked).toBe(true);
      }

      meter().take();
      await beat({ ...held[0] });
      const [call, ...others] = meter().take();
      expect(others).toEqual([]);
      const [, stated] = /up to (\d+) write units for a license with 20 sessions/.exec(page) ?? [];
      expect(call?.units).toBe(Number(stated));

      const tooLong = [
        { ...a, device_fingerprint: `${a.device_fingerprint.slice(0, -1)}🙂` },
        { ...a, bot_version: `${longestReport.bot_version.slice(1)}€` },
        { ...a, status: `${longestReport.status.slice(1)}€` },
        { ...a, metadata: { text: `${longestReport.metadata.text}x` } },
        { ...a, symbol: `${longestSymbol(0).slice(1)}🙂` },
      ];
      for (const request of tooLong) await expected("bad_request", service.heartbeat(request));
      const run_id = "x".repeat(65);
      await expected("bad_request", service.validate({ ...a, run_id, claim_number: 1 }));
    });
  });
}
