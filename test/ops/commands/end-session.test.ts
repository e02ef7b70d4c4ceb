import { afterAll, describe, expect, test } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { device, newLicense } from "../new-license.ts";

const engine = await startDynalite();
afterAll(() => engine.stop());

const rival = { device_fingerprint: "device-b-0123456789", symbol: "ES" };
const ended = { ended_at: expect.any(Number) };

/** A license with a session of ES, and what is stored for its symbols. */
async function heldLicense() {
  const made = await newLicense(engine);
  const { session_id } = (await made.claim("ES")).body;
  const bot = { ...made.bot, symbol: "ES", session_id };
  const sessions = async () => (await made.service.item(made.key))?.sessions;
  return { ...made, bot, rival: { license_key: made.key, ...rival }, sessions };
}

test("its bot is refused and stops; the next device is let in when its lease is over", async () => {
  const { service, key, json, claim, bot, rival } = await heldLicense();
  await claim("NQ");
  service.passSeconds(12);
  const { before, after, message } = await json("end-session", key, "--symbol", "es", "--yes");
  expect(before.sessions.ES).toMatchObject({ state: "live", seconds_left: 48 });
  expect(after.sessions).toMatchObject({
    ES: { state: "ended", seconds_left: 48, vacated_by: device },
    NQ: { state: "live" },
  });
  expect(message).toBe(
    "The bot on device-a... is refused at its next heartbeat (session_ended). Another device may claim ES in 48 s.",
  );
  service.passMs(47_999);
  expect((await service.heartbeat(bot)).body.code).toBe("session_ended");
  expect((await service.validate(rival)).body.code).toBe("session_conflict");
  service.passMs(1);
  expect((await service.validate(rival)).body.code).toBe("granted");
});

test.for(["btc/usdt:usdt", "CME_MINI:ES1!", " ES 12-26 ", "~".repeat(64), undefined])(
  "--symbol takes what a bot names: %s",
  async (symbol) => {
    const { service, key, license, claim } = await newLicense(engine);
    await claim(symbol);
    await license(["end-session", key, "--symbol", symbol ?? "*", "--yes"]);
    const stored = symbol?.trim().toUpperCase() ?? "*";
    expect((await service.item(key))?.sessions).toEqual({
      [stored]: expect.objectContaining(ended),
    });
  },
);

test("--now lets the next device in at once, and says what that risks, before and after", async () => {
  const { service, key, license, bot, rival } = await heldLicense();
  const ran = await license(["end-session", key, "--now"], { answer: true });
  expect(ran.stderr).toContain("may go on trading beside the next device");
  expect(ran.stdout).toContain("may claim ES now; the bot may still trade for up to 60 s");
  expect((await service.heartbeat(bot)).body.code).toBe("session_ended");
  expect((await service.validate(rival)).body.code).toBe("granted");
});

test("--now after an end without it frees the key that waits; ended twice is ended once", async () => {
  const { service, key, license, json, rival } = await heldLicense();
  await license(["end-session", key, "--yes"]);
  service.passSeconds(10);
  expect(await json("end-session", key)).toMatchObject({
    changed: false,
    message: expect.stringContaining("ES is free in 50 s"),
  });
  await license(["end-session", key, "--now", "--yes"]);
  expect((await service.validate(rival)).body.code).toBe("granted");
});

test("--all ends every one, of any symbol and of none, also without a fencing token yet", async () => {
  const { service, key, license, claim, sessions } = await heldLicense();
  for (const symbol of ["NQ", undefined]) await claim(symbol);
  await service.change(key, { fencing_token: undefined } as never);
  expect((await license(["end-session", key, "--all", "--yes"])).exitCode).toBe(0);
  const each = expect.objectContaining(ended);
  expect(await sessions()).toEqual({ "*": each, ES: each, NQ: each });
});

test("--symbol twice ends both, and no other; it ends none that is not there", async () => {
  const { key, license, claim, sessions } = await heldLicense();
  for (const symbol of ["NQ", "CL"]) await claim(symbol);
  const end = (...options: string[]) => license(["end-session", key, ...options, "--yes"]);
  await end("--symbol", "es", "--symbol", "NQ");
  expect(await sessions()).toMatchObject({ ES: ended, NQ: ended });
  expect((await sessions())?.CL).toHaveProperty("session_id");
  const again = await end("--symbol", "ES", "--symbol", "CL");
  expect(again.stdout).toContain("Already ended before: ES.");
  expect(await end("--symbol", "GC")).toMatchObject({ exitCode: 1, stdout: "" });
});

test("of several it wants to know which", async () => {
  const { key, license, claim } = await heldLicense();
  await claim("NQ");
  const unclear = await license(["end-session", key, "--yes"]);
  expect(unclear).toMatchObject({ exitCode: 2, stdout: "" });
  expect(unclear.stderr).toContain("ES, NQ");
});

test("an entry that nobody can read goes; one whose session is gone does not, and it says so", async () => {
  const { service, key, license, sessions } = await heldLicense();
  await service.change(key, { sessions: { ES: { odd: [1, "x"] } } } as never);
  const ran = await license(["end-session", key, "--yes"]);
  expect(ran.stdout).toContain("Session ES is gone");
  expect(await sessions()).toEqual({});
  await service.change(key, { sessions: { ES: "abc" } } as never);
  const gone = await license(["end-session", key, "--yes"]);
  expect(gone).toMatchObject({ exitCode: 1, stdout: "" });
  expect(gone.stderr).toContain("there is nothing to end: ES.");
});

describe("while the operator thinks about it", () => {
  test("a session that was claimed anew stays", async () => {
    const { key, license, claim, sessions } = await heldLicense();
    const ran = await license(["end-session", key, "--symbol", "ES"], {
      answer: async () => (await claim("ES")).status === 200,
    });
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain("Nothing was done. Claimed just now, so not ended: ES.");
    expect((await sessions())?.ES).toHaveProperty("session_id");
  });

  test("--all names what was claimed meanwhile, and leaves it", async () => {
    const { key, license, claim, sessions } = await heldLicense();
    const ran = await license(["end-session", key, "--all"], {
      answer: async () => (await claim("NQ")).status === 200,
    });
    expect(ran.stdout).toContain("Claimed just now, so not ended: NQ.");
    expect(await sessions()).toMatchObject({ ES: ended, NQ: { device_fingerprint: device } });
  });

  test("a session that its bot released is reported as released", async () => {
    const { service, key, license, claim, bot, sessions } = await heldLicense();
    let { session_id } = (await claim("NQ")).body;
    const release = (released: object) => async () =>
      (await service.release(released)).body.code === "released";
    const all = await license(["end-session", key, "--all"], { answer: release(bot) });
    expect(all.stdout).toContain("Released just now, so there is nothing to end: ES.");
    expect(all.stdout).not.toContain("Claimed");
    expect(await sessions()).toEqual({ NQ: expect.anything() });
    ({ session_id } = (await claim("NQ")).body);
    service.passSeconds(60);
    const answer = release({ ...bot, symbol: "NQ", session_id });
    const one = await license(["end-session", key], { answer });
    expect(one).toMatchObject({ exitCode: 1, stdout: "" });
    expect(one.stderr).toContain("Nothing was done. Released just now");
  });

  test("what a release leaves for a replaced process is ended, too: its bot is refused as ended", async () => {
    const { service, key, license, claim, bot, sessions } = await heldLicense();
    const { session_id } = (await claim("ES")).body;
    const ran = await license(["end-session", key], {
      answer: async () => (await service.release({ ...bot, session_id })).body.code === "released",
    });
    expect(ran.stdout).toContain("Another device may claim ES in 60 s.");
    expect((await sessions())?.ES).toMatchObject({ ...ended, vacated_by: device });
    expect((await service.heartbeat({ ...bot, session_id })).body.code).toBe("session_ended");
  });

  test.for([
    ["another device", rival.device_fingerprint, 60],
    ["the same device, of another session", device, 40],
  ] as const)(
    "what a release has left is not what one of %s has left since",
    async ([, device_fingerprint, seconds]) => {
      const { service, bot, key, license, sessions } = await heldLicense();
      /** Two claims and a release: the symbol waits for the first process of the device. */
      const leave = async (by: string) => {
        const other = { license_key: key, device_fingerprint: by, symbol: "ES" };
        await service.validate(other);
        const { session_id } = (await service.validate(other)).body;
        await service.release({ ...other, session_id });
      };
      await leave(bot.device_fingerprint);
      const ran = await license(["end-session", key], {
        answer: async () => {
          service.passSeconds(seconds);
          await leave(device_fingerprint);
          return true;
        },
      });
      expect(ran.exitCode).toBe(1);
      const { ES } = (await sessions()) ?? {};
      const lapses_at = service.nowMs() + 60_000;
      expect(ES).toMatchObject({ vacated_by: device_fingerprint, lapses_at });
      expect(ES).not.toHaveProperty("ended_at");
    },
  );

  test("one that only had a heartbeat is ended, with the lease of that heartbeat", async () => {
    const { service, key, license, bot } = await heldLicense();
    service.passSeconds(20);
    const ran = await license(["end-session", key, "--json"], {
      answer: async () => (await service.heartbeat(bot)).status === 200,
    });
    const { ES } = JSON.parse(ran.stdout).after.sessions;
    expect(ES).toMatchObject({ state: "ended", seconds_left: 60 });
  });

  test("--now names the lease that the bot got meanwhile", async () => {
    const { service, key, license, bot } = await heldLicense();
    const ran = await license(["end-session", key, "--now", "--json"], {
      answer: async () => {
        service.passSeconds(70);
        return (await service.heartbeat(bot)).status === 200;
      },
    });
    const { before, after, message } = JSON.parse(ran.stdout);
    expect(before.sessions.ES).toMatchObject({ state: "live", seconds_left: 60 });
    expect(after.sessions.ES).toMatchObject({ lapses_at: 0, ended_at: service.nowMs() });
    expect(after.changed_at).toBe(service.nowMs());
    expect(message).toContain("may claim ES now; the bot may still trade for up to 60 s");
  });

  test.for(["delete", "rekey"])(
    "of a license that another one ends by %s it does nothing, and says so",
    async (verb) => {
      const { key, license } = await heldLicense();
      const ran = await license(["end-session", key], {
        answer: async () => (await license([verb, key, "--yes"])).exitCode === 0,
      });
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toContain("Changed by somebody else just now, so not ended: ES.");
    },
  );
});
