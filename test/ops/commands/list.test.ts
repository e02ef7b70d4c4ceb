import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientFor, startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { openScene, type Scene } from "../../support/scene.ts";

const dayMs = 86_400_000;
const manySessions = 150;

let engine: Awaited<ReturnType<typeof startDynalite>>;
let scene: Scene;
let license: ReturnType<typeof operator>;
beforeAll(async () => {
  engine = await startDynalite();
  scene = openScene(engine);
  license = operator(engine, { now: scene.nowMs });
  const made: [string, object][] = [
    ["soon", { expiresAtMs: scene.nowMs() + 5 * dayMs }],
    ["later", { expiresAtMs: scene.nowMs() + 50 * dayMs }],
    ["past", { expiresAtMs: scene.nowMs() - dayMs }],
    ["never", {}],
    ["suspended", {}],
  ];
  for (const [licenseKey, attributes] of made) {
    await scene.license({ licenseKey, licenseType: licenseKey, ...attributes });
  }
  await license("suspend suspended --yes");
  // Several pages: an item of 9 kB each.
  await Promise.all(
    Array.from({ length: manySessions }, async (_, index) => {
      const licenseKey = `bot-${index}`;
      await scene.license({ licenseKey, licenseType: "x".repeat(9_000) });
    }),
  );
});
afterAll(() => engine.stop());

async function typesOf(words: string): Promise<string[]> {
  const { exitCode, stdout } = await license(`${words} --json`);
  expect(exitCode).toBe(0);
  const types: string[] = JSON.parse(stdout).map(
    (one: { license_type: string }) => one.license_type,
  );
  return types.filter((type) => type.length < 20).sort();
}

describe("list", () => {
  test("--status judges what a license is worth now", async () => {
    expect(await typesOf("list --status active")).toEqual(["later", "never", "soon"]);
    expect(await typesOf("list --status expired")).toEqual(["past"]);
    expect(await typesOf("list --status suspended")).toEqual(["suspended"]);
    expect(await typesOf("list --status cancelled")).toEqual([]);
  });

  test("--expiring-within leaves out what has ended and what never does", async () => {
    expect(await typesOf("list --expiring-within 10")).toEqual(["soon"]);
    expect(await typesOf("list --expiring-within 60 --status active")).toEqual(["later", "soon"]);
  });

  test("reads every page, and no more of them than --limit needs", async () => {
    const all = JSON.parse((await license("list --json")).stdout);
    expect(all).toHaveLength(manySessions + 5);
    const { stdout } = await license("list --limit 3");
    expect(stdout.trim().split("\n")).toHaveLength(4);
  });

  test("a reader that goes away stops it, and is no error", async () => {
    let writes = 0;
    const ran = await license("list", {
      onOutput() {
        writes += 1;
        if (writes === 2) throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
      },
    });
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(writes).toBe(2);
  });

  test.for(["list", "list --json", "export"])(
    "%s of a table out of reach prints nothing",
    async (words) => {
      const ran = await operator({ endpoint: "http://127.0.0.1:1" })(words);
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    },
  );

  test("Ctrl-C stops it, and it says so", async () => {
    const stop = new AbortController();
    const ran = await license("list", { stop: stop.signal, onOutput: () => stop.abort() });
    expect(ran.exitCode).toBe(130);
    expect(ran.stderr).toMatch(/^Stopped after \d+ licenses\.$/m);
  });

  test("an item that is no license is named and left out, and the others are listed", async () => {
    const other = await startDynalite();
    const theirs = DynamoDBDocumentClient.from(clientFor(other.endpoint));
    await theirs.send(new PutCommand({ TableName: "Sessions", Item: { license_id: "broken" } }));
    await operator(other)("create --key GOOD-1");
    const ran = await operator(other)("list --json");
    expect(ran.exitCode).toBe(1);
    expect(JSON.parse(ran.stdout)).toHaveLength(1);
    expect(ran.stderr).toContain("broken");
    await other.stop();
  });
});

describe("online", () => {
  test("has every live session, newest heartbeat first, and no lapsed one", async () => {
    const claim = (licenseKey: string, symbol?: string) =>
      scene.validate({
        license_key: licenseKey,
        device_fingerprint: `device of ${licenseKey}`,
        symbol,
      });
    await claim("never", "OLD");
    scene.passSeconds(60);
    await claim("soon");
    scene.passSeconds(10);
    await claim("bot-7", "ES");
    scene.passSeconds(10);
    await claim("later");
    const online = JSON.parse((await license("online --json")).stdout);
    expect(online.map((one: { device_fingerprint: string }) => one.device_fingerprint)).toEqual([
      "device of later",
      "device of bot-7",
      "device of soon",
    ]);
    expect(online[1]).toMatchObject({ symbol: "ES", seconds_left: 50 });
    const newest = JSON.parse((await license("online --limit 1 --json")).stdout);
    expect(newest).toEqual(online.slice(0, 1));
  });
});
