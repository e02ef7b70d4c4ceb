import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env } from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endsWithRun } from "../support/ends-with-run.ts";
import { endAll, npmStart } from "../support/service-process.ts";
import { runExample, runPinned } from "./page-examples.ts";
import { verifiedByLibrary } from "./vectors/verified-by-library.ts";

type Act = { token: number; atMs: number; device: string };

const languages = {
  TypeScript: [process.execPath, join(import.meta.dirname, "soak-bot.ts")],
  Python: ["python3", "-B", join(import.meta.dirname, "python/soak_bot.py")],
} as const;
type Language = keyof typeof languages;

/** What becomes of a bot that has the session: in turn, for every bot of a language. */
const fates = ["ends orderly", "crashes", "falls asleep"] as const;

const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
const bots = new Set<ChildProcess>();
afterAll(() => {
  for (const bot of bots) bot.kill("SIGKILL");
  endAll();
  rmSync(folder, { recursive: true });
});

const hasPython = spawnSync("python3", ["--version"]).status === 0 || env.CI !== undefined;

describe("both clients against npm start", () => {
  let service: Awaited<ReturnType<typeof npmStart>>;
  beforeAll(async () => {
    const variables = { SESSION_TIMEOUT_SECONDS: "3", LAPSE_EVENTS: "true" };
    service = await npmStart({ DATA_DIR: folder, ...variables });
  });
  afterAll(async () => {
    await service.stop();
  });

  test("the examples of docs/bots.md do what the page says", async () => {
    const answers = (await runExample("sh", service.url)).trim().split("\n");
    const codes = answers.map((line) => JSON.parse(line).code);
    expect(codes).toEqual(["granted", "recorded", "released"]);
    expect(await runExample("ts", service.url)).toMatch(
      /^(buying with order id ES-\d+-[123]\n){3}released\n$/,
    );
    if (hasPython) {
      expect(await runExample("python", service.url)).toMatch(
        /^(buying with order id ES-\d+-[123]\n){3}released\n$/,
      );
    }
  });

  test("answers are signed by the key that is printed, which both bots can pin", async () => {
    const [, publicKey = ""] = await service.says(/to pin: (ed25519:[\w-]{43})$/m);
    const path = "/api/validate-license";
    const request = { license_key: "DEMO-DEMO-DEMO-DEMO", device_fingerprint: "büro" };
    const body = JSON.stringify({ ...request, nonce: "fresh for this request" });
    // Of another type, as curl sends by default, and API Gateway in base64.
    for (const type of ["application/json", "application/x-www-form-urlencoded"]) {
      const response = await fetch(`${service.url}${path}`, {
        method: "POST",
        headers: { "content-type": type, origin: "https://bots.example" },
        body,
      });
      expect(response.headers.get("access-control-expose-headers")).toBe(
        "content-digest,signature-input,signature",
      );
      const answer = { status: response.status, headers: Object.fromEntries(response.headers) };
      const signed = { request: { method: "POST", path, body }, answer };
      expect(await verifiedByLibrary({ public_keys: [publicKey], ...signed })).toBe(true);
    }
    const release = JSON.stringify(request);
    await fetch(`${service.url}/api/session/release`, { method: "POST", body: release });

    expect(await runPinned("ts", service.url, publicKey)).toMatch(/^(buying .*\n)+released\n$/);
    if (!hasPython) return;
    expect(await runPinned("python", service.url, publicKey)).toMatch(
      /^(buying .*\n)+(released\n)?$/,
    );
  });

  test.skipIf(!hasPython)(
    "bots that contend for one key, end, crash and fall asleep, never act two at a time",
    // A busy machine needs longer for it, but not for ever.
    { timeout: 600_000 },
    async () => {
      const acts: Act[] = [];
      const over = new AbortController();
      const seats = (["TypeScript", "Python", "TypeScript", "Python"] as const).map(
        (language, index) => occupy(language, `${language}-${index}`, index, service.url),
      );
      while (sessionsOf("TypeScript") + sessionsOf("Python") < 6) await wait(100);
      while (!(sessionsOf("TypeScript") && sessionsOf("Python"))) await wait(100);
      over.abort();
      for (const bot of bots) bot.kill("SIGKILL");
      await Promise.all(seats);

      const inTime = acts.toSorted((a, b) => a.atMs - b.atMs || a.token - b.token);
      const tooLate = inTime.filter(({ token }, index) => token < (inTime[index - 1]?.token ?? 0));
      expect(tooLate).toEqual([]);

      function sessionsOf(language: Language): number {
        const own = acts.filter(({ device }) => device.startsWith(language));
        return new Set(own.map(({ token }) => token)).size;
      }

      /** One bot after the other, as a device that is started anew each time. */
      async function occupy(
        language: Language,
        device: string,
        firstFate: number,
        url: string,
      ): Promise<void> {
        for (let round = firstFate; !over.signal.aborted; round++) {
          const [command, ...words] = languages[language];
          const bot = endsWithRun(
            spawn(command, [...words, url, "DEMO-DEMO-DEMO-DEMO", device], {
              env: { ...env, PYTHONPATH: join(import.meta.dirname, "../../clients/python") },
              stdio: ["ignore", "pipe", "inherit"],
            }),
          );
          bots.add(bot);
          const ended = once(bot, "close");
          const lines = createInterface(bot.stdout);
          lines.on("line", (line) => {
            // Of what a bot was writing when it was killed, only a part may have come.
            if (line.endsWith("}")) acts.push({ ...JSON.parse(line), device });
          });
          const hasTurn = once(lines, "line");
          await Promise.race([hasTurn, ended]);
          await wait(400);
          await meet(bot, fates[round % fates.length]);
          await ended;
          bots.delete(bot);
        }
      }
    },
  );

  // The lapse, 30 s, and up to a minute until the schedule's next run.
  test("a bot that is killed is shown by a line", { timeout: 600_000 }, async () => {
    const [command, ...words] = languages.TypeScript;
    const bot = endsWithRun(
      spawn(command, [...words, service.url, "DEMO-DEMO-DEMO-DEMO", "killed-device"], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    bots.add(bot);
    await once(createInterface(bot.stdout), "line");
    bot.kill("SIGKILL");
    await service.says(/session_lapsed.*The bot on killed\.\.\. .* has lost its session/);
  });
});

async function meet(bot: ChildProcess, fate: (typeof fates)[number] | undefined): Promise<void> {
  if (fate === "crashes") {
    bot.kill("SIGKILL");
    return;
  }
  if (fate === "falls asleep") {
    bot.kill("SIGSTOP");
    await wait(4_000);
    bot.kill("SIGCONT");
    // So that it may show whether it goes on without asking.
    await wait(200);
  }
  bot.kill("SIGTERM");
}
