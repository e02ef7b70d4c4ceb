import { randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { Command, InvalidArgumentError } from "commander";
import {
  checkSession,
  type FetchFunction,
  LicenseRefused,
  openSession,
  type Session,
} from "../clients/typescript/open-session.ts";
import { licenseIdOf } from "../lambdas/rules/license-id.ts";
import { createLicense } from "../ops/data/create-license.ts";
import type { TableHandle } from "../ops/data/table-handle.ts";
import { withTable } from "../ops/data/with-table.ts";
import { CommandError } from "../ops/terminal/command-error.ts";
import { stopSignal } from "../ops/terminal/stop-signal.ts";

type Options = { url: string; bots: number; rivals: number; minutes: number; table?: string };
type Device = { licenseKey: string; name: string; session?: Session };

const { url, bots, rivals, minutes, table } = new Command("fleet")
  .description(
    "Runs bots against a running service: they are cut off, ask each other, yield and keep. Judges whether two " +
      "ever had the right to one session. Makes its own licenses, and removes them. Exit code 0: never.",
  )
  .requiredOption("--url <url>", "the service, local or deployed")
  .option("--bots <n>", "licenses, with a bot each", readCount, 100)
  .option("--rivals <n>", "how many of them have a second one", readCount, 20)
  .option("--minutes <n>", "how long", readCount, 5)
  .option("--table <name>", "the table on AWS; that of npm start if not given")
  .parse()
  .opts<Options>();
const stop = stopSignal("npm_lifecycle_event" in process.env);
const counts = new Map<string, number>();
const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
let answersMs: number[] = [];

try {
  const nobody = { url, licenseKey: `FLEET-${randomUUID()}`, deviceFingerprint: "fleet" };
  const answer = await checkSession({ ...nobody, openWithinMs: 5_000 }).catch((error) => error);
  if (!(answer instanceof LicenseRefused))
    throw new CommandError(`${answer}. Start the service, or correct --url ${url}.`);
  await withTable(table === undefined ? {} : { tableName: table }, process.env, withLicenses);
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function withLicenses({ client, tableName }: TableHandle): Promise<void> {
  const keys = Array.from({ length: bots }, () => `FLEET-${randomUUID()}`);
  try {
    for (const licenseKey of keys)
      await createLicense({ client, tableName }, { licenseKey, licenseType: "fleet" }, Date.now());
    await run(keys);
  } finally {
    for (const Key of keys.map((key) => ({ license_id: licenseIdOf(key) })))
      await client.send(new DeleteCommand({ TableName: tableName, Key }));
  }
}

async function run(keys: string[]): Promise<void> {
  const broken = new AbortController();
  const over = AbortSignal.any([stop, broken.signal, AbortSignal.timeout(minutes * 60_000)]);
  const pairs = keys.map((licenseKey, index) =>
    ["first", "other"]
      .slice(0, index < rivals ? 2 : 1)
      .map((name): Device => ({ licenseKey, name: `${name}-of-${index}` })),
  );
  const overlaps = new Set<string>();
  const lives = pairs
    .flat()
    .map((device) => live(device, over).catch((error) => over.aborted || broken.abort(error)));
  for (let look = 1; !over.aborted; look++) {
    await wait(10);
    // In one turn of the event loop: no answer changes between two of them.
    for (const pair of pairs)
      if (pair.filter(({ session }) => session?.held).length > 1)
        overlaps.add(pair.map(({ name, session }) => `${name} ${session?.sessionId}`).join(", "));
    if (look % 1_000 === 0) tell(pairs.flat(), overlaps);
  }
  await Promise.all(lives);
  tell(pairs.flat(), overlaps);
  broken.signal.throwIfAborted();
  const isWhole = counts.has("opened") && !stop.aborted;
  const verdict = overlaps.size ? "BAD" : isWhole ? "good" : "none, the run is not whole";
  console.log(`Verdict: ${verdict}`);
  process.exitCode = verdict === "good" ? 0 : 1;
}

/** A device that opens its session again and again, and loses it in each of the ways there are. */
async function live(device: Device, over: AbortSignal): Promise<void> {
  let cut: "requests" | "answers" | undefined;
  const network: FetchFunction = async (address, init) => {
    const sentMs = performance.now();
    const answer = cut === "requests" ? undefined : await fetch(address, init);
    if (answer) answersMs.push(performance.now() - sentMs);
    if (answer && !cut) return answer;
    if (!init.signal.aborted) await once(init.signal, "abort");
    throw init.signal.reason;
  };
  const pause = (withinS: number) =>
    wait(randomInt(withinS * 1_000), undefined, { signal: over }).catch(() => {});
  for (await pause(20); !over.aborted; await pause(10)) {
    const session = await openSession({
      url,
      licenseKey: device.licenseKey,
      deviceFingerprint: device.name,
      askHolder: randomInt(2) === 0,
      openWithinMs: Infinity,
      waitWithinMs: Infinity,
      signal: over,
      fetch: network,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      onStatus: (status) => count(status.state === "ended" ? status.code : status.state),
      onReleaseRequest: () => void (randomInt(2) ? session.release() : session.keep()),
    });
    count("opened");
    device.session = session;
    await pause(60);
    cut = ([undefined, "requests", "answers"] as const)[randomInt(3)];
    if (!cut) await session.release();
    if (!session.signal.aborted) await once(session.signal, "abort");
    cut = undefined;
    await session.release();
  }
}

function readCount(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a whole number.");
}

function tell(devices: Device[], overlaps: Set<string>): void {
  const times = answersMs.sort((a, b) => a - b);
  const at = (share: number) => `${Math.round(times[Math.floor(times.length * share)] ?? 0)} ms`;
  const held = devices.filter(({ session }) => session?.held).length;
  const all = [...counts].map(([what, often]) => `${often} ${what}`).join(", ");
  console.log(`${held} held; ${overlaps.size} overlaps; ${all}`);
  console.log(`  ${times.length} answers: median ${at(0.5)}, 99 % ${at(0.99)}`);
  for (const overlap of overlaps) console.log(`  two held one session: ${overlap}`);
  answersMs = [];
}
