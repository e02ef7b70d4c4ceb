import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openSession, type Session } from "../../../clients/typescript/open-session.ts";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { chromiumCommand } from "../../clients/chromium.ts";
import { operator } from "../../support/license-command.ts";
import { endAll, npm, npmStart } from "../../support/service-process.ts";

const zone = "America/New_York";
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const desk = "DESKTOP-8842-of-ada";
const laptop = "LAPTOP-A-77-of-ada";

type Service = Awaited<ReturnType<typeof npmStart>>;

let folder: string;
let service: Service;
let consoleProcess: ReturnType<typeof npm>;
let address: string;
let browser: Browser;
let license: ReturnType<typeof operator>;
let page: Page;
const complaints: string[] = [];
const sessions: Session[] = [];

describe("the console in Chromium, beside npm start with bots", () => {
  if (!chromiumCommand && env.CI === undefined) {
    test.skip("needs chromium: apt-get install chromium", () => {});
    return;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "license-sessions-console-page-"));
    service = await npmStart({ DATA_DIR: folder });
    license = operator({ endpoint: service.engine }, { variables: { DATA_DIR: folder } });
    const variables = { DYNAMODB_ENDPOINT: service.engine, DATA_DIR: folder };
    consoleProcess = npm(["run", "console", "--", "--json", "--allow-changes"], variables);
    [, address = ""] = await consoleProcess.says(/"address":"([^"]+)"/);
    browser = await chromium.launch({
      executablePath: execFileSync("sh", ["-c", `command -v "${chromiumCommand}"`], {
        encoding: "utf8",
      }).trim(),
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(sessions.map((session) => session.release()));
    endAll();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    const context = await browser.newContext({
      timezoneId: zone,
      locale: "en-US",
      acceptDownloads: true,
      viewport: { width: 1280, height: 900 },
    });
    page = await context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(address);
    await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
  });
  afterEach(async () => {
    await page.context().close();
    expect(complaints.splice(0)).toEqual([]);
  });

  test("the token leaves the address at once, and without it there is no answer", async () => {
    expect(page.url()).not.toContain("token");
    await page.reload();
    await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
    const other = await browser.newContext();
    const stranger = await other.newPage();
    await stranger.goto(new URL("/", address).href);
    await stranger.getByText("Open the address that the command printed").waitFor();
    await other.close();
  });

  test("in use on another device: which, since when, until when", async () => {
    const { email } = await licenseWith({ symbol: "ES", device: desk });
    await open(email);
    const row = page.getByRole("row", { name: desk });
    await row.getByText(/live; free for another device in \d+ s/).waitFor();
    await row.getByText('4.2.1, trading{"position":"flat"}').waitFor();
    const text = await row.textContent();
    expect(text).toMatch(/\d\d:\d\d:\d\d E[SD]T/);
    expect(text).toMatch(/\d+ s ago/);
  });

  test("a license that is opened long after the page counts down to the same instant", async () => {
    const { email } = await licenseWith({ symbol: "ES", device: desk });
    await page.clock.install();
    await page.reload();
    await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
    await page.clock.fastForward(30_000);
    await open(email);
    const row = page.getByRole("row", { name: desk });
    const [, seconds] = /in (\d+) s/.exec((await row.textContent()) ?? "") ?? [];
    expect(Number(seconds)).toBeLessThan(45);
  });

  test("I moved, free it now: the risk is said, and the next device is let in", async () => {
    const { email, key, bot } = await licenseWith({ symbol: "ES", device: desk });
    const moved = { licenseKey: key, symbol: "ES", device: laptop };
    await expect(startBot(moved)).rejects.toMatchObject({ code: "session_conflict" });
    await open(email);
    await press("Free it now ...");
    await see("may go on trading beside the next device");
    await page.getByLabel("Why, for the history").fill("moved to the laptop");
    await press("Free ES now");
    await see("Another device may claim ES now");
    expect((await startBot(moved)).held).toBe(true);
    expect(await endOf(bot)).toMatchObject({ reason: "taken", code: "session_taken" });
    const { stdout } = await license(["history", key]);
    expect(stdout).toContain("moved to the laptop");
  });

  test("I lost my key: a new one is shown this once, works, and the old one does not", async () => {
    const { email, key, id } = await licenseWith();
    writeLines(...held(id, desktop("6"), "a", Date.now() - hourMs, 60_000));
    await open(email);
    await press("New key ...");
    await see("The old one and its sessions end at once.");
    await press("Give it a new key");
    await see("Done: the new key works");
    const newKey = (await page.locator(".key").textContent()) ?? "";
    await press("Close");
    await see("Active; ");
    expect(page.url()).toContain(licenseIdOf(newKey));
    expect(await page.content()).not.toContain(newKey);
    // The past under the old key is the license's past.
    await page.getByRole("radio", { name: "week" }).check();
    await expect.poll(() => bars().count()).toBe(1);
    const check = { device_fingerprint: desk, check_only: true };
    const codeOf = async (license_key: string) =>
      (await service.post("/api/validate-license", { ...check, license_key })).body.code;
    expect([await codeOf(newKey), await codeOf(key)]).toEqual(["available", "license_cancelled"]);
  });

  test("who held it at 3 a.m. last Tuesday: devices named alike, a crash, and one from before", async () => {
    const { email, id } = await licenseWith();
    const threeAm = lastTuesdayAt(3);
    const first = { ...desktop("1"), session_id: "a" };
    const last_heartbeat = threeAm + hourMs / 2;
    const replaced = [{ symbol: "ES", ...first, state: "lapsed", last_heartbeat }];
    writeLines(
      [threeAm - 30 * hourMs, id, { ...active, ...first }],
      [threeAm - 2 * hourMs, id, { ...active, ...first }],
      ...held(id, desktop("2"), "b", threeAm + hourMs, hourMs, { replaced }),
    );
    await open(email);
    await page.getByLabel("day", { exact: true }).first().fill(dayOf(threeAm));
    await expect.poll(() => bars().count()).toBe(2);
    await bars().first().hover();
    const crash =
      /^ES: DESKTOP-\.\.\. 1111111111.* since before .* to .*03:30:00 E.T .*lapsed: no heartbeat came/;
    await page.locator(".told strong").getByText(crash).waitFor();
    await bars().nth(1).hover();
    const hovered =
      /^ES: DESKTOP-\.\.\. 2222222222, version 4\.2\.1, from .*04:00:00 E.T .* released by the bot\.$/;
    await page.locator(".told strong").getByText(hovered).waitFor();
    const box = await page.locator(".timeline svg").boundingBox();
    if (!box) throw new Error("The timeline is not there");
    await page.mouse.move(box.x + box.width / 8, box.y + 40);
    const told = await page.locator(".told").textContent();
    expect(told).toMatch(/0[23]:\d\d:\d\d E.T — ES: DESKTOP-\.\.\. 1111111111/);
    await page.getByText(zone).first().waitFor();
  });

  test("is the key shared: devices, overlaps, and what can't be concluded", async () => {
    const { email, id } = await licenseWith();
    const atMs = Date.now() - 5 * hourMs;
    writeLines(
      ...held(id, desktop("1"), "a", atMs, 2 * hourMs),
      [atMs + hourMs, id, { code: "session_conflict", symbol: "ES", ...desktop("2") }],
      ...held(id, desktop("2"), "b", atMs + 3 * hourMs, hourMs),
    );
    await open(email);
    const sharing = page.locator(".sharing");
    await sharing.getByText("One was refused while another held it once").waitFor();
    await sharing.getByText("copies of one installation are one device here").waitFor();
    await sharing.getByText(/: \d devices?\.$/).waitFor();
  });

  test("how many online, by version", async () => {
    const version = "9.9.9";
    await licenseWith({ symbol: "ES", device: desk, version });
    await licenseWith({ symbol: "NQ", device: laptop, version });
    await page.reload();
    await seeRow(`${version} 2`);
    const { sessions } = (await verb("now")).online;
    await page.locator(".big").getByText(String(sessions), { exact: true }).waitFor();
  });

  test("extend all of type pro by 30 days: after one question, and those alone", async () => {
    const type = "pro-yearly";
    const pro = [await licenseWith({ type, days: 3 }), await licenseWith({ type, days: 3 })];
    const other = await licenseWith({ days: 3 });
    await page.getByRole("link", { name: "Licenses" }).click();
    await page.getByLabel("Type").fill(type);
    await page.getByLabel("Type").press("Tab");
    await see("2 found; all");
    await press("Extend all of them by");
    await see("extend: 2 of 2 licenses that were chosen would be changed. Go on?");
    await press("Extend all of them by 30 days");
    await see(/Operation \w+: 2 changed, 0 already so/);
    for (const { key } of pro) expect((await verb("show", key)).days_left).toBe(32);
    expect((await verb("show", other.key)).days_left).toBe(2);
  });

  test("refund and tell the bot: it is suspended, and its next heartbeat says so", async () => {
    const { email, bot } = await licenseWith({ symbol: "ES", device: desk });
    await open(email);
    await press("Suspend ...");
    await see("Its bots stop at their next heartbeat.");
    await page.getByLabel("Why, for the history").fill("refunded");
    await press("Suspend", true);
    await see("Done.");
    await press("Close");
    await see("Suspended: its bots are refused");
    expect(await endOf(bot)).toMatchObject({ reason: "license_ended", code: "license_suspended" });
  });

  test("whose license ends next week", async () => {
    const { email } = await licenseWith({ days: 4 });
    await page.reload();
    const row = page.getByRole("row", { name: email });
    await row.getByText(/^in 3 d 23 h/).waitFor();
    await row.getByRole("link").click();
    await see(/Active; ends in 3 d 23 h/);
  });

  test("why a bot flaps: two devices end each other, and the marks say how often", async () => {
    const { email, id } = await licenseWith();
    const atMs = Date.now() - 90 * 60_000;
    for (let turn = 0; turn < 12; turn++) {
      const beganMs = atMs + turn * 300_000;
      const other = desktop(turn % 2 ? "1" : "2");
      writeLines(...held(id, desktop(turn % 2 ? "2" : "1"), `s${turn}`, beganMs, 240_000), [
        beganMs + 60_000,
        id,
        { code: "session_conflict", symbol: "ES", ...other },
      ]);
    }
    await open(email);
    await page.getByRole("radio", { name: "week" }).check();
    await expect.poll(() => bars().count()).toBe(12);
    expect(await page.locator(".timeline svg .refusal").count()).toBe(12);
    await see("took it over from each other 11 times");
    await page.getByText("What happened: 37 lines").click();
    await page
      .getByRole("row", { name: /session_conflict ES DESKTOP-/ })
      .first()
      .waitFor();
  });

  test("did we refuse somebody wrongly during an outage", async () => {
    const { id } = await licenseWith();
    const atMs = Date.now() - 20 * 60_000;
    const who = { ...desktop("3"), symbol: "ES" };
    writeLines(
      [atMs, id, { code: "internal_error", ...who }],
      [atMs + 60_000, id, { code: "internal_error", ...who }],
      [atMs + 120_000, id, { code: "session_conflict", ...who }],
    );
    await page.getByRole("link", { name: "Usage and refusals" }).click();
    // Today alone may have begun since.
    await page.getByRole("combobox").selectOption("3");
    await see(/The service could not answer from .*: 2 requests of 1 license\./);
    await seeRow(/session_conflict DESKTOP-\.\.\. 3333333333 1 1 1/);
  });

  test("how many keys were active in October", async () => {
    const { email, id } = await licenseWith();
    writeLines(...held(id, desktop("4"), "a", Date.UTC(2025, 9, 10, 12), 6 * hourMs));
    await page.getByRole("link", { name: "Usage and refusals" }).click();
    await page.getByLabel("Month (UTC)").fill("2025-10");
    await see("1 license active: 1 device, 6 hours.");
    await seeRow(`${email} 1 1 6.0 1 0 0`);
  });

  test("a license says owner, seats and end, and is extended after a preview in local time", async () => {
    const { email, key } = await licenseWith({ symbol: "ES", device: desk, days: 3 });
    await open(email);
    await see("1 live of 20");
    await see(/^Active; ends in 2 d 23 h, on .* E[SD]T\.$/);
    await page.getByLabel("days", { exact: true }).fill("10");
    await press("Extend by", true);
    const instant = String.raw`\w{3}, \w{3} \d+, \d{4}, \d\d:\d\d:\d\d E[SD]T`;
    const fact = page.getByRole("row", { name: new RegExp(`^expires ${instant} ${instant}$`) });
    await fact.waitFor();
    expect((await verb("show", key)).days_left).toBe(2);
    await press("Extend by 10 days");
    await see("Done.");
    await press("Close");
    await see(/^Active; ends in 12 d 23 h/);
    expect((await verb("show", key)).days_left).toBe(12);
  });

  test("a session of several symbols is one row, has its place, and is freed as one", async () => {
    const symbols = ["AUDUSD", "EURUSD", "GBPUSD", "USDJPY"];
    const { email, id, key } = await licenseWith({ symbols, device: desk });
    await license(["set", id, "--timeout", "90"]);
    await startBot({ licenseKey: key, symbol: "NQ", device: laptop });
    await open(email);
    const rows = page.getByRole("row").filter({ hasText: "live; free" });
    // NQ is free later.
    expect(await rows.locator("td:first-child").allTextContents()).toEqual([
      symbols.join(" "),
      "NQ",
    ]);
    await rows.first().getByRole("button", { name: "Free it now ..." }).click();
    await press("Free AUDUSD and 3 more now");
    await see("Another device may claim AUDUSD now");
    expect((await verb("show", id)).live_sessions).toBe(1);
  });

  test("the drawing: hours in local time, a pixel at least, dashed after a lapse, now at now", async () => {
    const { email, id } = await licenseWith({ symbol: "ES", device: desk });
    const [three, six] = [lastTuesdayAt(3), lastTuesdayAt(3) + 3 * hourMs];
    const one = { ...desktop("1"), symbol: "NQ", session_id: "a" };
    const replaced = [{ ...one, state: "lapsed", last_heartbeat: six }];
    const other = { ...desktop("2"), symbol: "NQ" };
    writeLines(
      [three, id, { ...claimed, ...one }],
      ...held(id, other, "b", six + hourMs, 1_000, { replaced }),
    );
    const boxOf = async (locator: Locator) => {
      const box = await locator.boundingBox();
      if (!box) throw new Error("It is not drawn");
      return { left: box.x, right: box.x + box.width, width: box.width };
    };
    const dashes = (bar: Locator) =>
      bar.evaluate((one) => Object(globalThis).getComputedStyle(one).strokeDasharray);
    /** To the pixel. */
    const expectAlike = (x: number, y: number) => expect(Math.abs(x - y)).toBeLessThan(1);
    await page.setViewportSize({ width: 800, height: 900 });
    await open(email);
    const present = await boxOf(bars().first());
    expectAlike(present.right, (await boxOf(page.locator(".timeline .now"))).right);
    expect(await dashes(bars().first())).toBe("none");

    await page.getByLabel("day", { exact: true }).first().fill(dayOf(three));
    await expect.poll(() => bars().count()).toBe(2);
    const hours = page.locator(".axis span");
    const words = await hours.allTextContents();
    expect(words).toEqual(
      [0, 3, 6, 9, 12, 15, 18, 21].map((hour) => `${`${hour}`.padStart(2, "0")}:00`),
    );
    const first = await boxOf(bars().first());
    expectAlike(first.left, (await boxOf(hours.nth(1))).left);
    expectAlike(first.right, (await boxOf(hours.nth(2))).left);
    expect([await dashes(bars().first()), await dashes(bars().nth(1))]).toEqual([
      "3px, 2px",
      "none",
    ]);

    await page.getByRole("radio", { name: "week" }).check();
    await expect.poll(() => hours.count()).toBe(7);
    expect(await hours.last().textContent()).toMatch(/^Tue, \w{3} \d+$/);
    expect((await boxOf(bars().nth(1))).width).toBeGreaterThanOrEqual(1);
  });

  test("the list has the filters of the verb", async () => {
    const type = "filtered";
    const owners = [
      await licenseWith({ type, days: 5, device: desk, version: "7.7.7" }),
      await licenseWith({ type, days: 50 }),
      await licenseWith({ type }),
    ];
    await license(["suspend", owners[2]?.id ?? "", "--yes"]);
    const emails = async (...words: string[]) => {
      const found: { email: string }[] = await verb("list", "--type", type, ...words);
      return found.map(({ email }) => email).sort();
    };
    await page.getByRole("link", { name: "Licenses" }).click();
    const set = async (label: string, text: string) => {
      const field = page.getByLabel(label);
      if (label === "Standing") await field.selectOption({ label: text });
      else await field.fill(text);
      await field.press("Tab");
    };
    const shown = async () => (await page.locator(".licenses a").allTextContents()).sort();
    await set("Type", type);
    await expect.poll(shown).toEqual(owners.map(({ email }) => email).sort());
    for (const [label, text, unset, ...words] of [
      ["Standing", "suspended", "any", "--status", "suspended"],
      ["Bot version", "7.7.7", "", "--version", "7.7.7"],
      ["Ends within", "7", "", "--expiring-within", "7"],
    ] as const) {
      await set(label, text);
      await expect.poll(shown).toEqual(await emails(...words));
      expect(await shown()).toHaveLength(1);
      await set(label, unset);
    }
  });

  test("a list exports what the verb exports as CSV", async () => {
    const type = "exported";
    await licenseWith({ type });
    await page.getByRole("link", { name: "Licenses" }).click();
    await page.getByLabel("Type").fill(type);
    await page.getByLabel("Type").press("Tab");
    const [download] = await Promise.all([page.waitForEvent("download"), press("Export CSV")]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk));
    const { stdout } = await license(["list", "--type", type, "--csv"]);
    expect(Buffer.concat(chunks).toString()).toBe(stdout);
  });

  test("is worked by keys alone: search, a license, its timeline and a dialog", async () => {
    const { email, id } = await licenseWith();
    writeLines(...held(id, desktop("5"), "a", Date.now() - 60_000, 30_000));
    await page.keyboard.press("/");
    await page.keyboard.type(email);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: email }).focus();
    await page.keyboard.press("Enter");
    await bars().first().waitFor({ state: "attached" });
    await page.getByRole("listbox").focus();
    await page.keyboard.press("w");
    await expect.poll(() => page.getByRole("radio", { name: "week" }).isChecked()).toBe(true);
    await expect.poll(() => bars().count()).toBe(1);
    await page.getByRole("listbox").focus();
    await page.keyboard.press("ArrowRight");
    await page.locator(".told").getByText("DESKTOP-... 5555555555").waitFor();
    await page.getByRole("option", { name: "DESKTOP-... 5555555555" }).waitFor();
    await page.getByRole("button", { name: "Suspend ..." }).focus();
    await page.keyboard.press("Enter");
    await see("Its bots stop at their next heartbeat.");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
    expect((await verb("show", id)).status).toBe("active");
  });

  // The last: it is the service's state for an hour.
  test("now: refusals by code in words, and whether the service answers, since when", async () => {
    const { id } = await licenseWith({ symbol: "ES", device: desk });
    const who = { ...desktop("7"), symbol: "ES" };
    const atMs = Date.now() - 10 * 60_000;
    writeLines(
      [atMs, id, { code: "session_limit", ...who }],
      [atMs, id, { code: "session_limit", ...who }],
      [atMs, id, { code: "internal_error", ...who }],
    );
    await page.reload();
    await seeRow("all seats are taken (session_limit) 2");
    await page.getByText(/^The service answers, since .* E[SD]T \(\d+ min( \d+ s)?\)\.$/).waitFor();
    writeLines([Date.now(), id, { code: "internal_error", ...who }]);
    await page.reload();
    await see(/^Requests fail, since .* E[SD]T\.$/);
  });
});

/** What the verb prints with `--json`. */
async function verb(...words: string[]) {
  return JSON.parse((await license([...words, "--json"])).stdout);
}

/** The bars of the timeline. */
const bars = () => page.locator(".timeline .bar");

type Line = [atMs: number, licenseId: string, line: Record<string, unknown>];
const claimed = { event: "session_claimed", symbol: "ES", fencing_token: 1, bot_version: "4.2.1" };
const released = { event: "session_released", symbol: "ES", free_in_seconds: 0 };
const active = { event: "session_active", symbol: "ES", bot_version: "4.2.1" };

/** One of the devices that are named alike. */
const desktop = (digit: string) => ({ device: "DESKTOP-...", device_hash: digit.repeat(10) });

/** The two lines of a session that its bot released after `lengthMs`. */
function held(
  licenseId: string,
  who: object,
  session_id: string,
  fromMs: number,
  lengthMs: number,
  more: object = {},
): Line[] {
  return [
    [fromMs, licenseId, { ...claimed, ...who, session_id, ...more }],
    [fromMs + lengthMs, licenseId, { ...released, ...who, session_id }],
  ];
}

/** Lines as the functions log them: what happened before the test began. */
function writeLines(...lines: Line[]): void {
  const text = lines.map(([atMs, license_id, line]) => {
    const logged = { timestamp: new Date(atMs).toISOString(), message: { license_id, ...line } };
    return `${JSON.stringify(logged)}\n`;
  });
  appendFileSync(join(folder, "history.jsonl"), text.join(""));
}

let owners = 0;

type Wanted = Partial<Omit<Parameters<typeof startBot>[0], "licenseKey">> & {
  type?: string;
  days?: number;
};

/** A license with an owner of its own and, if a device is given, a bot that keeps it. */
async function licenseWith({ type, days, device, ...more }: Wanted = {}) {
  owners += 1;
  const email = `owner-${owners}@example.com`;
  const words = ["create", "--email", email];
  if (type !== undefined) words.push("--type", type);
  if (days !== undefined) words.push("--days", String(days));
  const key: string = (await verb(...words)).license_key;
  const bot =
    device === undefined ? undefined : await startBot({ licenseKey: key, device, ...more });
  return { email, key, id: licenseIdOf(key), bot };
}

/** A bot that has reported, and keeps its session until the tests are over. */
async function startBot({
  device,
  version = "4.2.1",
  ...where
}: {
  licenseKey: string;
  device: string;
  symbol?: string;
  symbols?: string[];
  version?: string;
}): Promise<Session> {
  const reported = Promise.withResolvers<void>();
  let confirmed = 0;
  const session = await openSession({
    url: service.url,
    deviceFingerprint: device,
    ...where,
    releaseAtExit: false,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    report: () => ({ botVersion: version, status: "trading", metadata: { position: "flat" } }),
    onStatus({ state }) {
      // The claim, which carries no report, is the first.
      if (state === "held" && ++confirmed === 2) reported.resolve();
    },
  });
  sessions.push(session);
  session.keep();
  await reported.promise;
  return session;
}

/** Why a bot's session was over, as its next heartbeat says. */
async function endOf(bot: Session | undefined): Promise<unknown> {
  if (bot && !bot.signal.aborted) {
    bot.keep();
    await once(bot.signal, "abort");
  }
  return bot?.signal.reason;
}

const see = (text: string | RegExp) => page.getByText(text).waitFor();

const seeRow = (name: string | RegExp) => page.getByRole("row", { name }).waitFor();

const press = (name: string, exact = false) => page.getByRole("button", { name, exact }).click();

async function open(email: string): Promise<void> {
  await page.getByLabel("Search").fill(email);
  await page.getByLabel("Search").press("Enter");
  await page.getByRole("link", { name: email, exact: true }).click();
  await page.getByRole("heading", { name: email }).waitFor();
}

/** Hours and days as the browser counts them. */
function partsIn(atMs: number) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    weekday: "short",
    hour: "2-digit",
    hourCycle: "h23",
  }).formatToParts(atMs);
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

function lastTuesdayAt(hour: number): number {
  let atMs = Math.floor(Date.now() / hourMs) * hourMs - dayMs;
  while (partsIn(atMs).weekday !== "Tue" || Number(partsIn(atMs).hour) !== hour) atMs -= hourMs;
  return atMs;
}

function dayOf(atMs: number): string {
  const { year, month, day } = partsIn(atMs);
  return `${year}-${month}-${day}`;
}
