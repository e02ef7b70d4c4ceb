import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { type LegacyBot, startLegacyBot } from "../simulation/legacy-bot.ts";
import { npm, npmStart } from "../test/support/service-process.ts";

/**
 * Rehearses `docs/moving-over.md` on one machine, there and back: `npm start` with LEGACY_BOTS, legacy
 * bots, a stand-in for the old server, and a forwarding host that is switched. Time runs five times
 * faster; the log has the bots' seconds. Exit code 1 if a bot did not do what the page says.
 */
const speed = 5;
const leaseSeconds = 60;
const beatSeconds = 20;

type Target = "old" | "nobody" | "here";
const leadsTo = new Map<string, Target>([
  ["/api/validate-license", "old"],
  ["/api/heartbeat", "old"],
  ["/api/session/release", "old"],
]);

const startedMs = performance.now();
const folder = await mkdtemp(join(tmpdir(), "license-sessions-move-"));
const failures: string[] = [];
const bots = new Map<string, LegacyBot>();

const service = await npmStart({
  DATA_DIR: folder,
  LEGACY_BOTS: "true",
  SESSION_TIMEOUT_SECONDS: String(leaseSeconds / speed),
});
const oldKeys = new Set(["KEY-OF-ALONE", "KEY-OF-TWINS", "KEY-OF-GONE"]);
const oldRows = new Map<string, { device: string; beatMs: number }>();
const oldServer = await listen(answerAsOldServer);
const host = await listen(forward);
const stoppedApp = await listen((_, response) => {
  response.writeHead(403, { "content-type": "text/html" }).end("<h1>This web app is stopped</h1>");
});
try {
  await rehearse();
} finally {
  for (const server of [oldServer, host, stoppedApp]) {
    server.closeAllConnections();
    server.close();
  }
  await service.stop();
  await rm(folder, { recursive: true });
}
for (const failure of failures) console.error(`FAILED: ${failure}`);
console.log(failures.length === 0 ? "Rehearsed: every bot did what the page says." : "");
process.exit(failures.length === 0 ? 0 : 1);

async function rehearse(): Promise<void> {
  say("Bots start at the old server. The twins, on two devices, claim at one moment.");
  start("alone", "KEY-OF-ALONE", "device-of-alone");
  start("twin 1", "KEY-OF-TWINS", "first-device-of-twins");
  start("twin 2", "KEY-OF-TWINS", "second-device-of-twins");
  start("gone", "KEY-OF-GONE", "device-of-gone");
  await pass(5);
  expect("the old server lets both twins in", ["alone", "twin 1", "twin 2", "gone"]);
  await license("check-address", urlOf(host), "--expect", "service");
  await importLicenses("rehearsed.csv");

  say("A license is deleted at the old server after the import was rehearsed.");
  oldKeys.delete("KEY-OF-GONE");
  say("What must not stand in the gap, a stopped web app with a 403 in HTML:");
  await license("check-address", urlOf(stoppedApp), "--expect", "gap");
  say("1. The old server is stopped; the host answers 503.");
  lead("nobody");
  await license("check-address", urlOf(host), "--expect", "gap");
  start("in the gap", "KEY-OF-ALONE", "device-of-a-rival");
  await pass(beatSeconds);
  expect("running bots carry on, nobody can start", ["alone", "twin 1", "twin 2", "gone"]);

  say("2. Export and import again; what was deleted since is cancelled here.");
  await importLicenses("now.csv", "--replace", "--yes");
  await license("cancel", "KEY-OF-GONE", "--yes");

  say("3. Heartbeats only, for a lease and a beat.");
  lead("here", ["/api/heartbeat"]);
  await pass(leaseSeconds + beatSeconds);
  await license("check-address", urlOf(host));
  expect("one twin stops, and the bot without a license", ["alone", either("twin 1", "twin 2")]);

  say("4. Claims and releases, too.");
  lead("here");
  await license("check-address", urlOf(host), "--expect", "service");
  start("rival", "KEY-OF-ALONE", "device-of-a-rival");
  await pass(2 * beatSeconds);
  expect("the rival is refused", ["alone", either("twin 1", "twin 2")]);
  await license("online");

  say("Back, 1. Nobody answers.");
  lead("nobody");
  await license("check-address", urlOf(host), "--expect", "gap");
  say("Back, 2. Heartbeats to the old server, whose rows are old, for a lease.");
  lead("old", ["/api/heartbeat"]);
  await pass(leaseSeconds);
  say("Back, 3. Claims and releases, too.");
  lead("old");
  start("rival again", "KEY-OF-ALONE", "device-of-a-rival");
  await pass(beatSeconds);
  expect("the old server refuses the rival", ["alone", either("twin 1", "twin 2")]);
}

/** The two names of which one is expected to trade. */
function either(...names: [string, string]): string {
  return names.find((name) => bots.get(name)?.trading()) ?? names[0];
}

function expect(what: string, names: readonly string[]): void {
  const trading = [...bots].filter(([, bot]) => bot.trading()).map(([name]) => name);
  const isSo = trading.join() === names.join();
  say(`${isSo ? "Seen" : "NOT SEEN"}: ${what}. Trading: ${trading.join(", ")}.`);
  if (!isSo) failures.push(`${what}; trading were ${trading.join(", ")}, not ${names.join(", ")}`);
  for (const [name, bot] of bots) {
    if (bot.trading() || bot.lastWords() === undefined) continue;
    say(`   ${name} has stopped: "${bot.lastWords()}"`);
    bots.delete(name);
  }
}

function start(name: string, licenseKey: string, deviceFingerprint: string): void {
  const ground = { pause: (ms: number) => wait(ms / speed), post, isMarketOpen: () => true };
  bots.set(name, startLegacyBot(ground, { licenseKey, deviceFingerprint, symbol: "ES" }));
}

async function post(path: string, body: object, withinMs: number) {
  try {
    const response = await fetch(`${urlOf(host)}/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(withinMs),
    });
    const answer = await response.text();
    return { status: response.status, body: answer.startsWith("{") ? JSON.parse(answer) : {} };
  } catch {
    return undefined;
  }
}

async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const target = leadsTo.get(request.url ?? "");
  if (target === "nobody") {
    response.writeHead(503).end();
    return;
  }
  const base = target === "here" ? service.url : urlOf(oldServer);
  try {
    const answer = await fetch(`${base}${request.url}`, { method: "POST", body });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  } catch {
    response.writeHead(502).end();
  }
}

function lead(target: Target, paths: Iterable<string> = leadsTo.keys()): void {
  for (const path of paths) leadsTo.set(path, target);
}

/** Reads and writes apart, as the old server does: two devices at one moment are both let in. */
async function answerAsOldServer(request: IncomingMessage, response: ServerResponse) {
  const { license_key: key, device_fingerprint: device } = JSON.parse(await text(request));
  const row = oldRows.get(key);
  const isLive = row && performance.now() < row.beatMs + (leaseSeconds * 1000) / speed;
  const answer = (status: number, body: object) =>
    response.writeHead(status).end(JSON.stringify(body));
  await wait(50);
  if (!oldKeys.has(key)) return answer(401, { license_valid: false });
  if (request.url === "/api/session/release") return answer(200, { status: "success" });
  if (request.url === "/api/validate-license" && isLive && row.device !== device) {
    return answer(403, { license_valid: false, session_conflict: true, message: "In use." });
  }
  oldRows.set(key, { device, beatMs: performance.now() });
  return answer(200, { license_valid: true, status: "success" });
}

async function importLicenses(file: string, ...options: string[]): Promise<void> {
  const path = join(folder, file);
  const lines = [...oldKeys].map((key) => `${key},,standard,active,`);
  const head = "license_key,email,license_type,license_status,license_expiration";
  await writeFile(path, `${[head, ...lines].join("\n")}\n`);
  await license("import", path, ...options);
}

async function license(...words: string[]): Promise<void> {
  const place = { DATA_DIR: folder, DYNAMODB_PORT: new URL(service.engine).port };
  const { exitCode, stdout, stderr } = await npm(["run", "license", "--", ...words], place)
    .finished;
  const shown = words.map((word) => word.replace(`${folder}/`, ""));
  say(`$ npm run license -- ${shown.join(" ")}   # exit code ${exitCode}`);
  for (const line of `${stdout}${stderr}`.trimEnd().split("\n")) console.log(`         ${line}`);
}

async function pass(seconds: number): Promise<void> {
  await wait((seconds * 1000) / speed);
}

function say(what: string): void {
  const seconds = ((performance.now() - startedMs) / 1000) * speed;
  console.log(`${seconds.toFixed(0).padStart(5)} s  ${what}`);
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Server> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function urlOf(server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
