import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { clientFor, startDynalite } from "../support/engines.ts";
import { endAll, npm, npmStart } from "../support/service-process.ts";

const validate = "/api/validate-license";
const heartbeat = "/api/heartbeat";
const release = "/api/session/release";

const temporaryFolders: string[] = [];
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
  temporaryFolders.push(folder);
  return folder;
}
afterAll(() => {
  endAll();
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true });
});

describe("npm start", () => {
  const dataFolder = temporaryFolder();
  let service: Awaited<ReturnType<typeof npmStart>>;
  beforeAll(async () => {
    service = await npmStart({ DATA_DIR: dataFolder, SESSION_TIMEOUT_SECONDS: "600" });
  });
  afterAll(async () => {
    await service.stop();
  });

  async function newLicense(...options: string[]) {
    return license("create", ...options);
  }

  async function license(...words: string[]) {
    const { stdout } = await npm(["run", "license", "--", ...words, "--json"], {
      DYNAMODB_ENDPOINT: service.engine,
      DATA_DIR: dataFolder,
    }).finished;
    return JSON.parse(stdout);
  }

  async function twoDevices() {
    const { license_key } = await newLicense();
    return {
      a: { license_key, device_fingerprint: "device-a-0123456789" },
      b: { license_key, device_fingerprint: "device-b-0123456789" },
    };
  }

  /** As if so much time had passed since anything was stored of the license. */
  async function letAge(licenseKey: string, seconds: number) {
    const client = DynamoDBDocumentClient.from(clientFor(service.engine));
    const Key = { license_id: licenseIdOf(licenseKey) };
    const { Item } = await client.send(new GetCommand({ TableName: "Sessions", Key }));
    for (const session of Object.values<Record<string, unknown>>(Item?.sessions)) {
      for (const [name, value] of Object.entries(session)) {
        if (typeof value === "number") session[name] = value - seconds * 1000;
      }
    }
    await client.send(new PutCommand({ TableName: "Sessions", Item }));
    client.destroy();
  }

  test.skipIf(process.platform === "win32")(
    "nobody else can read or change the code that it runs",
    () => {
      expect(statSync(join(dataFolder, "cdk.out")).mode & 0o777).toBe(0o700);
    },
  );

  test("prints a curl that claims when it is pasted", async () => {
    const { stdout } = await promisify(execFile)("bash", ["-c", `${service.curl} -s`]);
    expect(JSON.parse(stdout)).toMatchObject({
      license_valid: true,
      code: "granted",
      session_timeout_seconds: 600,
    });
    await service.says(/^\{.*"path":"\/api\/validate-license","status":200,"code":"granted".*\}$/m);
  });

  test("the README's first session runs as it stands there", async () => {
    const { license_key } = await newLicense();
    const page = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
    const [, define = "", claim = "", answer = "", rest = ""] =
      /```sh\n(bot=.*?)(post validate.*?)```.*?```json\n(.*?)```.*?```sh\n(post .*?)```/s.exec(
        page,
      ) ?? [];
    const shown = JSON.parse(answer);
    const run = async (script: string) => {
      const here = `${define}${script}`
        .replaceAll("http://127.0.0.1:3000", service.url)
        .replaceAll("DEMO-DEMO-DEMO-DEMO", license_key);
      return (await promisify(execFile)("bash", ["-c", here])).stdout;
    };
    const granted = JSON.parse(await run(claim));
    expect(Object.keys(granted).sort()).toEqual(Object.keys(shown).sort());
    const ended = await run(rest.replaceAll(shown.session_id, granted.session_id));
    expect(ended.match(/"code":"\w+"/g)).toEqual(['"code":"recorded"', '"code":"released"']);
  });

  test("a license made by npm run license is claimed, kept and released over HTTP", async () => {
    const { license_key, license_id } = await newLicense("--type", "pro", "--days", "30");
    expect(license_key).toMatch(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){3}$/);
    expect(license_id).toMatch(/^[0-9a-f]{64}$/);
    const bot = { license_key, device_fingerprint: "device-a-0123456789", symbol: "es" };
    const claim = await service.post(validate, bot);
    expect(claim).toMatchObject({ status: 200, body: { license_type: "pro", symbol: "ES" } });
    const { session_id } = claim.body;
    const report = { bot_version: "1.0", status: "trading", metadata: { trades: 3 } };
    expect(await service.post(heartbeat, { ...bot, session_id, ...report })).toMatchObject({
      status: 200,
      body: { code: "recorded", days_until_expiration: 29, active_symbols: ["ES"] },
    });
    expect((await service.post(release, { ...bot, session_id })).body.code).toBe("released");
    expect((await service.post(heartbeat, bot)).body.code).toBe("session_not_found");
  });

  test("who claimed, was refused and released is in the history that npm run license shows", async () => {
    const { a, b } = await twoDevices();
    await service.post(validate, a);
    await service.post(validate, b);
    await service.post(release, a);
    const { lines } = await license("history", a.license_key);
    expect(lines).toMatchObject([
      { event: "license_changed", verb: "create" },
      { event: "session_claimed", device: "device-a..." },
      { code: "session_conflict", device: "device-b..." },
      { event: "session_released", device: "device-a..." },
    ]);
  });

  test("no cache may keep an answer", async () => {
    for (const path of [validate, heartbeat, release]) {
      const { headers } = await fetch(`${service.url}${path}`, { method: "POST", body: "{}" });
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  test("heartbeats keep a second device out beyond the timeout", async () => {
    const { a, b } = await twoDevices();
    await service.post(validate, a);
    for (let beat = 0; beat < 3; beat++) {
      await letAge(a.license_key, 300);
      expect((await service.post(heartbeat, a)).status).toBe(200);
      expect((await service.post(validate, b)).body.code).toBe("session_conflict");
    }
  });

  test("once the session has lapsed the second device is let in, and the first one's next heartbeat gets 500", async () => {
    const { a, b } = await twoDevices();
    await service.post(validate, a);
    await letAge(a.license_key, 300);
    const tooEarly = await service.post(validate, b);
    expect(tooEarly).toMatchObject({ status: 403, body: { code: "session_conflict" } });
    expect(tooEarly.body.estimated_wait_seconds).toBeLessThanOrEqual(300);
    await letAge(a.license_key, 300);
    expect((await service.post(validate, b)).status).toBe(200);
    expect(await service.post(heartbeat, a)).toMatchObject({
      status: 500,
      body: { code: "session_taken", active_device: "device-b..." },
    });
  });

  test("of 50 devices that claim at once over HTTP one is let in", async () => {
    const { license_key } = await newLicense();
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        decided({ license_key, device_fingerprint: `device-${index}-of-many` }),
      ),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 403)).toHaveLength(49);

    /** As a bot does, it asks again, later and later, if the service was too busy for an answer. */
    async function decided(claim: object) {
      for (let longestPauseMs = 500; ; longestPauseMs *= 2) {
        const reply = await service.post(validate, claim);
        if (reply.status < 500) return reply;
        await pause(Math.random() * longestPauseMs);
      }
    }
  });

  test("a body of any content type is read, one of garbage is a 400", async () => {
    const { a } = await twoDevices();
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await service.post(validate, a, form)).status).toBe(200);
    expect(await service.post(validate, "\u0000garbage")).toMatchObject({
      status: 400,
      body: { code: "bad_request", field: "body" },
    });
  });

  test("an unknown route is API Gateway's own 404, with a hint at the routes there are", async () => {
    const notFound = {
      status: 404,
      body: { message: "Not Found", hint: expect.stringContaining(`POST ${heartbeat}`) },
    };
    expect(await service.post("/api/nothing", {})).toEqual(notFound);
    const response = await fetch(`${service.url}${heartbeat}`);
    expect({ status: response.status, body: await response.json() }).toEqual(notFound);
  });

  test("a page of any origin is let through by its browser, and can read what it is answered", async () => {
    const origin = "https://bots.example";
    const preflight = await fetch(`${service.url}${validate}`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(await preflight.text()).toBe("");
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": expect.stringMatching(/^content-type\b/),
      "access-control-max-age": "86400",
    });

    const { a } = await twoDevices();
    const claim = await fetch(`${service.url}${validate}`, {
      method: "POST",
      headers: { origin, "content-type": "application/json" },
      body: JSON.stringify(a),
    });
    expect(claim.headers.get("access-control-allow-origin")).toBe("*");
    expect(await claim.json()).toMatchObject({ code: "granted" });
  });

  test("a fingerprint that is not UTF-8 is a 400, and claims for nobody", async () => {
    const { a } = await twoDevices();
    const response = await fetch(`${service.url}${validate}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify({ ...a, device_fingerprint: "device-\u00ff" }), "latin1"),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "bad_request", field: "body" });
  });

  test("a port in use is one clear sentence and exit 1", async () => {
    const { port } = new URL(service.url);
    const second = npm(["start"], { PORT: port, DYNAMODB_PORT: "0", DATA_DIR: temporaryFolder() });
    const { exitCode, stderr } = await second.finished;
    expect(exitCode).toBe(1);
    expect(stderr.trim().split("\n").at(-1)).toContain(port);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("a key that exists is not made again, and nothing else is said about it", async () => {
    const made = await newLicense("--key", "BOUGHT-ELSEWHERE-1");
    expect(made).toMatchObject({ license_key: "BOUGHT-ELSEWHERE-1", max_sessions: 20 });
    const again = npm(["run", "license", "--", "create", "--key", "BOUGHT-ELSEWHERE-1"], {
      DYNAMODB_ENDPOINT: service.engine,
    });
    const { exitCode, stdout, stderr } = await again.finished;
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("exists already");
  });
});

describe("npm start, ended and started again", () => {
  test.for([
    ["SIGINT", "group"],
    ["SIGTERM", "npm alone"],
  ] as const)("on the same data it finds its sessions after %s to %s", async ([signal, to]) => {
    const DATA_DIR = temporaryFolder();
    const a = { license_key: "DEMO-DEMO-DEMO-DEMO", device_fingerprint: "device-a-0123456789" };
    const first = await npmStart({ DATA_DIR });
    const { session_id } = (await first.post(validate, a)).body;
    const { exitCode, stderr } = await first.stop(signal, to);
    expect(exitCode).toBe(0);
    expect(stderr).not.toMatch(/error|warn/i);
    await expect(fetch(first.url)).rejects.toThrow();
    await expect(fetch(first.engine)).rejects.toThrow();

    const second = await npmStart({ DATA_DIR });
    expect((await second.post(heartbeat, { ...a, session_id })).status).toBe(200);
    await second.stop(signal, to);
  });
});

describe("npm start on a database that dies", () => {
  test("no heartbeat is answered 200 while it is away, and the next one is when it is back", async () => {
    const engine = await startDynalite();
    const service = await npmStart({
      DATA_DIR: temporaryFolder(),
      DYNAMODB_ENDPOINT: engine.endpoint,
    });
    const a = { license_key: "DEMO-DEMO-DEMO-DEMO", device_fingerprint: "device-a-0123456789" };
    const { session_id } = (await service.post(validate, a)).body;
    engine.pause();
    for (let beat = 0; beat < 3; beat++) {
      expect(await service.post(heartbeat, { ...a, session_id })).toMatchObject({
        status: 500,
        body: { status: "error", code: "internal_error", request_id: expect.any(String) },
      });
    }
    engine.resume();
    expect((await service.post(heartbeat, { ...a, session_id })).status).toBe(200);
    await service.stop();
    await engine.stop();
  });
});
