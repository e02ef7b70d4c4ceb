import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startDynalite } from "../support/engines.ts";
import { openTestService, type TestServiceOptions } from "../support/test-service.ts";

let engine: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
afterEach(() => vi.restoreAllMocks());

/** A bot on a license of its own, and the lines that the functions have written since last asked. */
async function newBot(options?: TestServiceOptions) {
  const service = openTestService(engine, options);
  const bot = { license_key: await service.license(), device_fingerprint: "device-a-0123456789" };
  const lines: Record<string, unknown>[] = [];
  vi.spyOn(console, "info").mockImplementation((line) => lines.push(line));
  return { service, bot, takeLines: () => lines.splice(0) };
}

test("a claim leaves one line: an attempt of it that comes later leaves none, nor does a look", async () => {
  const { service, bot, takeLines } = await newBot();
  await service.validate({ ...bot, check_only: true });
  expect(takeLines()).toEqual([]);
  const claim = { ...bot, symbol: "es", claim_id: "claim-1" };
  await service.validate(claim);
  expect(takeLines()).toEqual([
    {
      event: "session_claimed",
      session_id: "claim-1",
      fencing_token: 1,
      request_id: "request-1",
      symbol: "ES",
      license_id: expect.stringMatching(/^[0-9a-f]{64}$/),
      device: "device-a...",
    },
  ]);
  service.passSeconds(1);
  await service.validate(claim);
  expect(takeLines()).toEqual([]);
});

test("a claim that is refused leaves the line of its refusal, and none of a claim", async () => {
  const { service, bot, takeLines } = await newBot();
  await service.validate(bot);
  takeLines();
  await service.validate({ ...bot, device_fingerprint: "laptop-b-0123456789" });
  expect(takeLines()).toMatchObject([{ code: "session_conflict", status: 403 }]);
});

test("a release leaves a line that says in how many seconds the key is free", async () => {
  const { service, bot, takeLines } = await newBot();
  await service.validate(bot);
  const { body } = await service.validate(bot);
  takeLines();
  await service.release({ ...bot, session_id: body.session_id });
  expect(takeLines()).toMatchObject([
    { event: "session_released", session_id: body.session_id, free_in_seconds: 60 },
  ]);
  await service.release({ ...bot, session_id: body.session_id });
  expect(takeLines()).toEqual([]);
});

test("a heartbeat of a legacy bot that claims leaves a line, and so does one in 64", async () => {
  const { service, bot, takeLines } = await newBot({ legacyBots: true });
  const offMs = service.nowMs() % 64;
  service.passMs(64 - offMs + 1);
  await service.heartbeat(bot);
  expect(takeLines()).toMatchObject([{ event: "session_claimed", fencing_token: 1 }]);
  await service.heartbeat(bot);
  expect(takeLines()).toEqual([]);
  service.passMs(63);
  await service.heartbeat(bot);
  expect(takeLines()).toMatchObject([{ event: "legacy_heartbeat", legacy: true, weight: 64 }]);
});
