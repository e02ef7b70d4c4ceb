import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDynalite } from "../support/engines.ts";
import { startMeter } from "../support/meter.ts";
import { endAll, npm } from "../support/service-process.ts";

const folder = mkdtempSync(join(tmpdir(), "license-sessions-command-"));
let engine: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(async () => {
  endAll();
  rmSync(folder, { recursive: true });
  await engine.stop();
});

function license(words: string[], endpoint = engine.endpoint) {
  return npm(["run", "license", "--", ...words], { DYNAMODB_ENDPOINT: endpoint });
}

test("npm run license -- import, stopped by Ctrl-C, is finished by running it again", async () => {
  const file = join(folder, "licenses.csv");
  const rows = Array.from({ length: 500 }, (_, index) => `KEY-${index},,pro,active,`);
  writeFileSync(
    file,
    `license_key,email,license_type,license_status,license_expiration\n${rows.join("\n")}\n`,
  );
  const meter = await startMeter(engine);
  const first = license(["import", file], meter.endpoint);
  meter.onCall(() => {
    if (meter.calls.length === 60) first.signal("SIGINT");
    return undefined;
  });
  const { exitCode, stdout, stderr } = await first.finished;
  await meter.stop();
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "" });
  const [, written = ""] = /^Stopped after (\d+) of 500 rows/m.exec(stderr) ?? [];
  expect(Number(written)).toBeGreaterThan(0);
  const second = await license(["import", file, "--json"]).finished;
  expect(second.exitCode).toBe(0);
  expect(JSON.parse(second.stdout)).toMatchObject({
    rows: 500,
    created: 500 - Number(written),
    replaced: 0,
    kept: Number(written),
    complete: true,
  });
});

test("license-sessions, as npm link puts it on the PATH, is the same command with the same exit codes", async () => {
  const program = join(import.meta.dirname, "../../bin/license-sessions.js");
  const run = (...words: string[]) =>
    promisify(execFile)(process.execPath, [program, ...words], {
      env: { ...process.env, DYNAMODB_ENDPOINT: engine.endpoint, LICENSE_SESSIONS_STACK: "" },
    });
  expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  await expect(run("show", "NOBODY")).rejects.toMatchObject({ code: 1 });
  await expect(run("no-such-verb")).rejects.toMatchObject({ code: 2 });
});
