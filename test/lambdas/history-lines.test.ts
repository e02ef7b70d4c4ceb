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
  const claim = { ...bot, symbol: "es", run_id: "a-run-0123456789", claim_number: 1 };
  const { body } = await service.validate(claim);
  expect(takeLines()).toEqual([
    {
      event: "session_claimed",
      session_id: body.session_id,
      fencing_token: service.nowMs(),
      request_id: "request-1",
      symbol: "ES",
      license_id: expect.stringMatching(/^[0-9a-f]{64}$/),
      device: "device-a...",
      device_hash: expect.stringMatching(/^[0-9a-f]{10}$/),
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
  expect(takeLines()).toMatchObject([{ event: "session_claimed" }]);
  await service.heartbeat(bot);
  expect(takeLines()).toEqual([]);
  service.passMs(63);
  await service.heartbeat(bot);
  expect(takeLines()).toMatchObject([{ event: "legacy_heartbeat", legacy: true, weight: 64 }]);
});

test("an ask, the first answer that tells the holder, its keep, and its yield leave a line each", async () => {
  const { service, bot, takeLines } = await newBot();
  const opening = { run_id: "a-run-0123456789", claim_number: 1, symbols: ["ES", "NQ"] };
  const { session_id } = (await service.validate({ ...bot, ...opening })).body;
  const holder = { ...bot, session_id, symbols: ["ES", "NQ"] };
  const ask = () =>
    service.validate({ ...bot, device_fingerprint: "laptop-b", symbol: "NQ", ask_holder: true });
  const beat = async (more = {}) => {
    service.passSeconds(1);
    return (await service.heartbeat({ ...holder, ...more })).body;
  };
  takeLines();
  await ask();
  await ask();
  await service.endSession(bot.license_key, "ES");
  const asker = { session_id, device: "device-a...", asked_by: "lapt..." };
  // Also where the answer says that a symbol is lost.
  expect(await beat()).toMatchObject({ symbols_held: ["NQ"], release_asked_by: "lapt..." });
  holder.symbols = ["NQ"];
  await beat();
  await beat({ keep: true });
  service.passSeconds(59);
  await beat();
  service.passSeconds(1);
  await ask();
  await service.release(holder);
  const session = { symbol: "NQ", session_id, device: "device-a..." };
  expect(takeLines().filter(({ event }) => event !== undefined)).toMatchObject([
    { event: "holder_asked", device: "lapt...", holders: [session] },
    { event: "holder_told", ...asker },
    { event: "session_kept", ...asker },
    { event: "holder_asked", holders: [session] },
    { event: "session_released", ...asker },
  ]);
});

test("a check leaves no line, whatever it meets: a question is no refusal", async () => {
  const { service, bot, takeLines } = await newBot();
  await service.validate(bot);
  takeLines();
  for (const check of [
    { ...bot, device_fingerprint: "laptop-b" },
    { ...bot, license_key: "x" },
  ]) {
    expect((await service.validate({ ...check, check_only: true })).status).toBeGreaterThan(400);
  }
  expect(takeLines()).toEqual([]);
});

test("the line of a claim names what it took, and of each device no more than anyone may see", async () => {
  const { service, bot, takeLines } = await newBot();
  const { license_key } = bot;
  const device_hash = expect.stringMatching(/^[0-9a-f]{10}$/);
  const claim = async (device_fingerprint: string, symbol: string) => {
    const { body } = await service.validate({ license_key, device_fingerprint, symbol });
    return { body, line: takeLines()[0] };
  };
  const first = await claim("device-a-0123456789", "ES");
  const own = { device: "device-a...", device_hash, symbol: "ES" };
  service.passSeconds(1);
  const session = { ...own, last_heartbeat: service.nowMs() - 1_000 };
  const second = await claim("device-a-0123456789", "ES");
  expect(second.line).toMatchObject({
    replaced: [{ ...session, session_id: first.body.session_id, state: "live" }],
  });
  await service.endSession(license_key, "ES");
  const third = await claim("device-a-0123456789", "ES");
  const vacancy = { ...own, session_id: second.body.session_id, state: "ended" };
  expect(third.line).toMatchObject({ replaced: [vacancy] });
  expect(third.line).not.toHaveProperty("displaced");
  service.passSeconds(61);
  await service.change(license_key, { max_sessions: 1 });
  const fourth = await claim("device-a-another", "NQ");
  expect(fourth.line).toMatchObject({
    displaced: [{ ...own, session_id: third.body.session_id, state: "lapsed" }],
  });
  // Devices that begin alike are told apart.
  expect(fourth.line?.device).toBe("device-a...");
  expect(fourth.line?.device_hash).not.toBe(first.line?.device_hash);
});

test("a session has one line a day, at a second of its own, that names its version, for no write more", async () => {
  const { service, bot, takeLines } = await newBot();
  const { body } = await service.validate({
    ...bot,
    run_id: "a-run-0123456789",
    claim_number: 1,
  });
  takeLines();
  service.takeCalls();
  const seconds: number[] = [];
  for (let hour = 0; hour < 72; hour++) {
    service.passSeconds(3_600);
    await service.heartbeat({ ...bot, session_id: body.session_id, bot_version: "2.4" });
    expect(service.takeCalls()).toEqual(["UpdateItem"]);
    const [line] = takeLines();
    if (!line) continue;
    expect(line).toMatchObject({
      event: "session_active",
      session_id: body.session_id,
      bot_version: "2.4",
    });
    seconds.push(hour % 24);
  }
  expect(seconds).toHaveLength(3);
  expect(new Set(seconds).size).toBe(1);
});
