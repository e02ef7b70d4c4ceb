import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDynalite } from "../support/engines.ts";
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

  async function license(...words: string[]) {
    const { stdout } = await npm(["run", "license", "--", ...words, "--json"], {
      DYNAMODB_ENDPOINT: service.engine,
      DATA_DIR: dataFolder,
    }).finished;
    return JSON.parse(stdout);
  }

  async function twoDevices() {
    const { license_key } = await license("create");
    return {
      a: { license_key, device_fingerprint: "device-a-0123456789" },
      b: { license_key, device_fingerprint: "device-b-0123456789" },
    };
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
    const { license_key } = await license("create");
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
    const { license_key, license_id } = await license("create", "--type", "pro", "--days", "30");
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
    const { session_id } = (await service.post(validate, a)).body;
    await service.post(validate, b);
    await service.post(release, { ...a, session_id });
    const { lines } = await license("history", a.license_key);
    expect(lines).toMatchObject([
      { event: "license_changed", verb: "create" },
      { event: "session_claimed", device: "device-a..." },
      { code: "session_conflict", device: "device-b..." },
      { event: "session_released", device: "device-a..." },
    ]);
  });
});

test("npm start, ended by a signal and started again on the same data, finds its sessions", async () => {
  const DATA_DIR = temporaryFolder();
  const a = { license_key: "DEMO-DEMO-DEMO-DEMO", device_fingerprint: "device-a-0123456789" };
  let service = await npmStart({ DATA_DIR });
  const { session_id } = (await service.post(validate, a)).body;
  for (const [signal, to] of [
    ["SIGINT", "group"],
    ["SIGTERM", "npm alone"],
  ] as const) {
    const { exitCode, stderr } = await service.stop(signal, to);
    expect(exitCode).toBe(0);
    expect(stderr).not.toMatch(/error|warn/i);
    await expect(fetch(service.url)).rejects.toThrow();
    await expect(fetch(service.engine)).rejects.toThrow();

    service = await npmStart({ DATA_DIR });
    expect((await service.post(heartbeat, { ...a, session_id })).status).toBe(200);
  }
  await service.stop();
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
