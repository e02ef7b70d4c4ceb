import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { licenseIdOf } from "../lambdas/rules/license-id.ts";
import { npm, npmStart } from "../test/support/service-process.ts";
import { asText } from "./report.ts";
import { spreadOf } from "./statistics.ts";

/**
 * Measures the console's page in Chromium, beside `npm start` with 20,000 licenses, one of which was
 * held 5,001 times in a week: how long a person waits, and the longest time without a frame.
 * `CHROMIUM` is its path, by default `/usr/bin/chromium`; the argument is the number of runs, by default 5.
 */
const runs = Number(process.argv[2] ?? 5);
const licenses = 20_000;
const holds = 5_001;

const keyOf = (index: number) => `BENCH-${String(index).padStart(10, "0")}`;
const emailOf = (index: number) => `owner-${index}@example.com`;
/** The last ones, so that a search has to read far. */
const held = licenses - 1;

const folder = await mkdtemp(join(tmpdir(), "license-sessions-page-"));
const service = await npmStart({ DATA_DIR: folder });
const variables = { DATA_DIR: folder, DYNAMODB_ENDPOINT: service.engine };
const served = npm(["run", "console", "--", "--json"], variables);
let browser: Browser | undefined;
try {
  await fill();
  const [, address = ""] = await served.says(/"address":"([^"]+)"/);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const measured = new Map<string, Measurement[]>();
  for (let run = 0; run < runs; run++) {
    const context = await browser.newContext({ acceptDownloads: true });
    await context.addInitScript(watchFrames);
    await measure(await context.newPage(), address, (what, one) =>
      measured.set(what, [...(measured.get(what) ?? []), one]),
    );
    await context.close();
  }
  const rows = [...measured].map(([what, all]) => ({
    what,
    "s, median": (spreadOf(all.map(({ ms }) => ms)).median / 1_000).toFixed(2),
    "longest frame ms, median": Math.round(spreadOf(all.map(({ frameMs }) => frameMs)).median),
    "of all": Math.round(Math.max(...all.map(({ frameMs }) => frameMs))),
  }));
  const machine = `${cpus().length} cores, ${cpus()[0]?.model}, Chromium ${browser.version()}`;
  const notes = [`${licenses} licenses, ${holds} bars, ${runs} runs; ${machine}`];
  console.log(asText({ title: "The console's page", notes, rows }));
} finally {
  await browser?.close();
  served.signal("SIGTERM");
  await Promise.all([served.finished, service.stop()]);
  await rm(folder, { recursive: true });
}

type Measurement = { ms: number; frameMs: number };

/** Keeps the longest time between two frames in `longestFrame`. */
function watchFrames(): void {
  const page = Object(globalThis);
  page.longestFrame = 0;
  let lastMs = performance.now();
  page.requestAnimationFrame(function next() {
    const nowMs = performance.now();
    page.longestFrame = Math.max(page.longestFrame, nowMs - lastMs);
    lastMs = nowMs;
    page.requestAnimationFrame(next);
  });
}

async function fill(): Promise<void> {
  const head = "license_key,email,license_type,license_status,license_expiration\n";
  const rows = Array.from({ length: licenses }, (_, index) => {
    const type = index % 4 === 0 ? "pro" : "standard";
    return `${keyOf(index)},${emailOf(index)},${type},active,2099-01-01T00:00:00Z\n`;
  });
  const file = join(folder, "licenses.csv");
  await writeFile(file, head + rows.join(""));
  const filled = await npm(["run", "license", "--", "import", file, "--yes"], variables).finished;
  if (filled.exitCode !== 0) throw new Error(filled.stderr);
  const today = new Date();
  const begunMs = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 6).getTime();
  const eachMs = (today.getTime() - begunMs) / holds;
  const lines = Array.from({ length: holds }, (_, index) => {
    const message = {
      license_id: licenseIdOf(keyOf(held)),
      symbol: index % 2 === 0 ? "ES" : "NQ",
      session_id: `session-${index}`,
      device: "DESKTOP-...",
      device_hash: String(index % 7).repeat(10),
    };
    const at = (event: string, atMs: number) =>
      `${JSON.stringify({ timestamp: new Date(atMs).toISOString(), message: { event, ...message } })}\n`;
    const fromMs = begunMs + index * eachMs;
    return at("session_claimed", fromMs) + at("session_released", fromMs + 0.9 * eachMs);
  });
  await appendFile(join(folder, "history.jsonl"), lines.join(""));
}

async function measure(
  page: Page,
  address: string,
  note: (what: string, measurement: Measurement) => void,
): Promise<void> {
  const timed = async (what: string, work: () => Promise<unknown>) => {
    if (what !== "the first page") await page.evaluate("longestFrame = 0");
    const startedMs = performance.now();
    await work();
    const ms = performance.now() - startedMs;
    note(what, { ms, frameMs: Number(await page.evaluate("longestFrame")) });
  };
  const search = (text: string) =>
    page
      .getByLabel("Search")
      .fill(text)
      .then(() => page.getByLabel("Search").press("Enter"));
  const bars = (count: number) =>
    page
      .locator(".bar")
      .nth(count - 1)
      .waitFor({ state: "attached" });
  await timed("the first page", async () => {
    await page.goto(address);
    await page.getByText(/^active/).waitFor();
  });
  await timed("a search, its hit", async () => {
    await search(emailOf(held));
    await page.getByRole("link", { name: emailOf(held) }).waitFor();
  });
  await page.getByText(/found; all/).waitFor();
  await timed("a license, its day", async () => {
    await page.getByRole("link", { name: emailOf(held) }).click();
    await bars(1);
  });
  await timed(`its week of ${holds} bars`, async () => {
    await page.getByRole("radio", { name: "week" }).check();
    await bars(holds);
  });
  await timed("20 keys in it", async () => {
    await page.getByRole("listbox").focus();
    for (let count = 0; count < 20; count++) await page.keyboard.press("ArrowRight");
  });
  await timed("20 moves of the pointer", async () => {
    const box = await page.locator(".timeline svg").boundingBox();
    for (let count = 0; box && count < 20; count++) {
      await page.mouse.move(box.x + (box.width * count) / 20, box.y + 40);
    }
  });
  await timed("a list of 100", async () => {
    await page.getByRole("link", { name: "Licenses" }).click();
    await page.getByRole("button", { name: "More" }).waitFor();
  });
  await timed(`the CSV of ${licenses}`, async () => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export CSV" }).click();
    await download;
  });
}
