import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env } from "node:process";
import { buffer } from "node:stream/consumers";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../../local/listen.ts";
import { createLicense } from "../../ops/data/create-license.ts";
import { localClientConfig } from "../../ops/data/local-engine.ts";
import { localTableName } from "../../ops/data/table-handle.ts";
import { endsWithRun } from "../support/ends-with-run.ts";
import { endAll, npmStart } from "../support/service-process.ts";

const examples = join(import.meta.dirname, "../../clients/examples");
const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
const running = new Set<ChildProcess>();
let service: Awaited<ReturnType<typeof npmStart>>;
beforeAll(async () => {
  // Long enough for a heartbeat of a busy machine to come in time, and a third of it to wait for.
  service = await npmStart({ DATA_DIR: folder, SESSION_TIMEOUT_SECONDS: "15" });
});
afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await service?.stop();
  endAll();
  rmSync(folder, { recursive: true });
});

const hasPython = spawnSync("python3", ["--version"]).status === 0 || env.CI !== undefined;
const kinds = hasPython ? (["ts", "py"] as const) : (["ts"] as const);

describe.concurrent.each(kinds)("the examples in %s", (kind) => {
  const other = kinds.find((each) => each !== kind) ?? kind;

  test("a bot that is asked closes, releases and says where its session went", async () => {
    const key = await newLicense();
    const holder = run(kind, "bot", service.url, key, "first-device");
    await holder.says(/^buy ES-\d+-1$/m);
    const asker = run(other, "bot", service.url, key, "other-device", "ask");
    await holder.says(/^closing a position of [01]\n(.*ended.*\n)?released, for other-\.\.\.$/m);
    await asker.says(/^held/m);
    await holder.says(/^the session went to other-\.\.\.$/m);
    expect(await holder.exitCode).toBe(0);
  });

  test("a bot that keeps its session says so, and closes and releases at Ctrl-C", async () => {
    const key = await newLicense();
    const holder = run(kind, "bot", service.url, key, "first-device", "keep");
    await holder.says(/^buy ES-\d+-1$/m);
    const asker = run(other, "bot", service.url, key, "other-device", "ask");
    await asker.says(/holder_?keeps['"]: ?true/i);
    expect(asker.printed()).not.toMatch(/^held/m);
    holder.child.kill("SIGINT");
    await holder.says(/^closing a position of [01]\n(.*ended.*\n)?released$/m);
    expect(await holder.exitCode).toBe(0);
    await asker.says(/^held/m);
  });

  test("after an outage a bot says what is open and trades by a new session", async () => {
    const line = await cuttableLine();
    const bot = run(kind, "bot", line.url, await newLicense(), "first-device");
    const [, before] = await bot.says(/^buy ES-(\d+)-1$/m);
    line.cut = true;
    await bot.says(/reason['"]?[:=]['"]lost/);
    line.cut = false;
    const [, position] = await bot.says(/['"]lost(?:.*\n)+?held.* account ([01])$/m);
    if (position === "1") await bot.says(/^lost: a position of 1 stays open at the broker$/m);
    const [, after] = await bot.says(new RegExp(`^(?:buy|sell) ES-(?!${before}-)(\\d+)-1$`, "m"));
    expect(Number(after)).toBeGreaterThan(Number(before));
  });

  test("a watcher tells a bot that lives from one that died, and from an outage", async () => {
    const key = await newLicense();
    const line = await cuttableLine();
    const bot = run(kind, "bot", service.url, key, "first-device");
    await bot.says(/^buy/m);
    const watcher = run(other, "watcher", line.url, key, "1");
    await watcher.says(/first-\.\.\. beat \d+(\.\d+)? s ago.*(long|flat)/);
    bot.child.kill("SIGKILL");
    await watcher.says(/nobody holds the session/);
    line.cut = true;
    await watcher.says(/no answer \(.*\)/);
  });
});

async function newLicense(): Promise<string> {
  const dynamo = new DynamoDBClient(localClientConfig(service.engine));
  const table = { client: DynamoDBDocumentClient.from(dynamo), tableName: localTableName };
  const licenseKey = randomUUID();
  await createLicense(table, { licenseKey }, Date.now());
  dynamo.destroy();
  return licenseKey;
}

/** The service by an address whose connections can be broken. */
async function cuttableLine() {
  const line = { url: "", cut: false };
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    if (line.cut) return void incoming.socket.destroy();
    const { method = "POST" } = incoming;
    const answer = await fetch(`${service.url}${incoming.url}`, { method, body });
    outgoing.writeHead(answer.status, { "content-type": "application/json" });
    outgoing.end(await answer.text());
  });
  line.url = `http://127.0.0.1:${await listen(server, 0, "PORT")}`;
  return line;
}

function run(kind: "ts" | "py", name: "bot" | "watcher", ...words: string[]) {
  const program = kind === "ts" ? process.execPath : "python3";
  const child = endsWithRun(
    spawn(program, [join(examples, `${name}.${kind}`), ...words], {
      env: {
        ...env,
        PYTHONPATH: join(examples, "../python"),
        PYTHONUNBUFFERED: "1",
        PYTHONDONTWRITEBYTECODE: "1",
      },
    }),
  );
  running.add(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (printed += chunk));
  const exitCode = once(child, "close").then(([code]) => code);
  return {
    child,
    exitCode,
    printed: () => printed,
    says(pattern: RegExp): Promise<RegExpExecArray> {
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(printed);
          if (match) resolve(match);
        };
        child.stdout.on("data", look);
        exitCode.then(() => reject(new Error(`It ended and did not say ${pattern}: ${printed}`)));
        look();
      });
    },
  };
}
