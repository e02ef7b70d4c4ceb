import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endsWithRun } from "../support/ends-with-run.ts";
import { startDynalite } from "../support/engines.ts";
import { startMeter } from "../support/meter.ts";
import { endAll, npm } from "../support/service-process.ts";

const exec = promisify(execFile);
const root = join(import.meta.dirname, "../..");
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
    exec(process.execPath, [program, ...words], {
      env: { ...process.env, DYNAMODB_ENDPOINT: engine.endpoint, LICENSE_SESSIONS_STACK: "" },
    });
  expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  await expect(run("show", "NOBODY")).rejects.toMatchObject({ code: 1 });
  await expect(run("no-such-verb")).rejects.toMatchObject({ code: 2 });
});

test("in a checkout without its packages the command says to install them, and no more", async () => {
  const checkout = join(folder, "checkout");
  for (const part of ["bin/license-sessions.js", "ops/program.ts", "package.json"]) {
    mkdirSync(dirname(join(checkout, part)), { recursive: true });
    copyFileSync(join(root, part), join(checkout, part));
  }
  const program = join(checkout, "bin/license-sessions.js");
  const direct = exec(process.execPath, [program, "list"]);
  await expect(direct).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^The packages of .* are missing: run npm ci there first\.\n$/),
  });
  const byNpm = exec("npm", ["run", "--silent", "license", "--", "list"], {
    cwd: checkout,
  });
  await expect(byNpm).rejects.toMatchObject({
    code: 1,
    stderr: "The packages are missing: run npm ci first.\n",
  });
});

test("the packed command runs alone, brings its console, and warns of no Node.js", async () => {
  const packed = join(folder, "packed");
  mkdirSync(packed);
  await exec("npm", ["pack", "--silent", "--pack-destination", packed], {
    cwd: root,
  });
  const [archive = ""] = readdirSync(packed);
  await exec("tar", ["xzf", archive], { cwd: packed });
  const program = join(packed, "package/bin/license-sessions.js");
  // The SDK judges by this alone.
  const older = "Object.defineProperty(process, 'version', { value: 'v20.20.2' })";
  const asOlderNode = ["--import", `data:text/javascript,${encodeURIComponent(older)}`];
  const variables = { DYNAMODB_ENDPOINT: engine.endpoint, LICENSE_SESSIONS_STACK: "" };
  const options = { env: { ...process.env, ...variables } };
  const listed = await exec(process.execPath, [...asOlderNode, program, "list", "--json"], options);
  expect(listed.stderr).toBe("");
  const served = endsWithRun(
    spawn(process.execPath, [program, "console", "--json", "--no-open"], {
      ...options,
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const ended = once(served, "exit");
  const [line] = await once(served.stdout, "data");
  const { address } = JSON.parse(String(line));
  for (const path of ["/", "/page.js", "/page.css"]) {
    const answer = await fetch(new URL(path, address));
    expect([path, answer.status, (await answer.text()).length > 100]).toEqual([path, 200, true]);
  }
  served.kill();
  await ended;
});
