import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  afterAll,
  afterEach,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { openChanges, questions } from "../../../ops/console/console-api.ts";
import { serveConsole } from "../../../ops/console/serve-console.ts";
import { type OpenTable, withTable } from "../../../ops/data/with-table.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { dayMs, device, newLicense } from "../new-license.ts";

const engine = await startDynalite();
afterAll(() => engine.stop());

let folder: string;
let variables: Record<string, string>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "license-sessions-console-"));
  variables = { DYNAMODB_ENDPOINT: engine.endpoint, DATA_DIR: folder };
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

type Reply = { status: number; body: string; headers: NodeJS.Dict<string | string[]> };

const sold = { licenseType: "pro", maxSessions: 3, days: 3 };

/** The console on the test's engine, its clock and its history, as long as the test runs. */
async function openConsole({ allowChanges = false } = {}) {
  const made = await newLicense(engine, { ...sold, folder });
  made.log({ event: "nothing" });
  const bot = { ...made.bot, symbol: "ES" };
  await made.service.validate(bot);
  await made.service.heartbeat({ ...bot, bot_version: "1.2", status: "trading" });
  await made.service.validate({ ...bot, device_fingerprint: "laptop-b-0123456789" });

  const context = { variables, now: made.service.nowMs, stop: new AbortController().signal };
  const desk = { table: await openTable(), context, allowChanges };
  const files = { "/": { type: "text/html", text: "<p>The page</p>" } };
  const served = await serveConsole(desk, files, 0);
  onTestFinished(served.close);
  const { port, hash } = new URL(served.address);
  const token = hash.replace("#token=", "");
  /** A request as it is, with no header but the given ones. */
  const raw = (method: string, path: string, headers: Record<string, string>, body = "") =>
    new Promise<Reply>((resolve, reject) => {
      const length = { "content-length": String(Buffer.byteLength(body)) };
      const to = { method, path, host: "127.0.0.1", port, headers: { ...length, ...headers } };
      request(to, async (response) => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: await text(response) });
      })
        .on("error", reject)
        .end(body);
    });
  const ask = (name: string, body: unknown = {}, headers: Record<string, string> = {}) => {
    const usual = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return raw("POST", `/api/${name}`, { ...usual, ...headers }, JSON.stringify(body));
  };
  const answer = async (name: string, body: object = {}) =>
    JSON.parse((await ask(name, body)).body);
  return { ...made, bot, ask, answer, raw, desk, port: Number(port), token };
}

/** The table of the test, as long as it runs. */
async function openTable(): Promise<OpenTable> {
  const opened = Promise.withResolvers<OpenTable>();
  const finished = Promise.withResolvers<void>();
  const closed = withTable({}, variables, (table) => {
    opened.resolve(table);
    return finished.promise;
  });
  onTestFinished(() => {
    finished.resolve();
    return closed;
  });
  return opened.promise;
}

describe("the console answers what the verb prints with --json", () => {
  test("of one license: show, history and find", async () => {
    const { answer, service, json, key, id } = await openConsole();
    expect(await answer("license", { id })).toEqual(await json("show", key));
    const since = service.nowMs() - 7 * dayMs;
    const history = await answer("history", { id, since });
    expect(history).toEqual(await json("history", key, "--since", "7d"));
    expect(history.holds).toHaveLength(1);
    for (const words of [key, id.slice(0, 9), "ADA@", "device-a...", "es"]) {
      const { licenses, next } = await answer("search", { text: words, limit: 100 });
      const found = await json("find", words);
      expect(licenses).toEqual(found);
      expect([next, found.length > 0]).toEqual([null, true]);
    }
  });

  test("of all: now, refusals and usage", async () => {
    const { answer, service, json } = await openConsole();
    expect(await answer("now", {})).toEqual(await json("now"));
    const since = service.nowMs() - dayMs;
    expect(await answer("refusals", { since })).toEqual(await json("refusals", "--since", "1d"));
    const month = { since: Date.UTC(2026, 0, 1), until: Date.UTC(2026, 1, 1) };
    const { month: asked, ...usage } = await json("usage", "--month", "2026-01");
    expect(await answer("usage", month)).toEqual(usage);
    expect([asked, usage.active_licenses > 0]).toEqual(["2026-01", true]);
  });

  test("a list and its CSV, a page at a time: together they are the verb's", async () => {
    const { answer, service, license, json } = await openConsole();
    for (let at = 0; at < 7; at++) await service.license({ licenseType: "paged" });
    const filter = { type: "paged" };
    let [all, csv, pages]: [unknown[], string, number] = [[], "", 0];
    for (let after: string | null = null; ; pages++) {
      const body: object = { ...filter, limit: 2, ...(after !== null && { after }) };
      const page = await answer("list", body);
      const part = await answer("csv", body);
      all = [...all, ...page.licenses];
      csv += (csv === "" ? part.head : "") + part.lines;
      expect(part.next).toBe(page.next);
      after = page.next;
      if (after === null) break;
    }
    expect(pages).toBeGreaterThan(2);
    expect(all).toEqual(await json("list", "--type", "paged"));
    expect(csv).toBe((await license("list --type paged --csv")).stdout);
  });
});

describe("the console answers nobody else", () => {
  test("without the token, or with another one", async () => {
    const { ask } = await openConsole();
    for (const authorization of ["", "Bearer ", `Bearer ${"x".repeat(32)}`]) {
      expect(await ask("now", {}, { authorization })).toMatchObject({ status: 401 });
    }
  });

  test.for([
    ["another name that leads here", { host: "evil.example" }, 421],
    ["another port", { host: "127.0.0.1:1" }, 421],
    ["a page of another origin", { origin: "https://evil.example" }, 403],
    ["a page of another port", { origin: "http://127.0.0.1:1" }, 403],
    ["a page without origin", { origin: "null" }, 403],
    ["a request that the browser calls foreign", { "sec-fetch-site": "cross-site" }, 403],
  ] as const)("by %s, even with the token", async ([, headers, status]) => {
    const { ask, raw } = await openConsole();
    expect(await ask("now", {}, headers)).toMatchObject({ status });
    expect(await raw("GET", "/", headers)).toMatchObject({ status });
  });

  test("on another machine: it listens on this machine's own address alone", async () => {
    const { port } = await openConsole();
    const others = Object.values(networkInterfaces())
      .flatMap((addresses = []) => addresses)
      .filter(({ internal, scopeid }) => !internal && !scopeid)
      .map(({ address }) => address);
    const answers = (host: string) =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, host);
        for (const event of ["connect", "error"] as const)
          socket.once(event, () => {
            socket.destroy();
            resolve(event === "connect");
          });
      });
    expect(await answers("127.0.0.1")).toBe(true);
    // Linux answers all of 127.0.0.0/8, to who listens everywhere.
    for (const host of ["127.0.0.2", "::1", ...others]) {
      expect([host, await answers(host)]).toEqual([host, false]);
    }
  });

  test("by a form or a link: only by a POST of JSON", async () => {
    const { ask, raw, token } = await openConsole();
    const authorization = `Bearer ${token}`;
    expect(await raw("GET", "/api/now", { authorization })).toMatchObject({ status: 405 });
    const form = { "content-type": "text/plain" };
    expect(await ask("now", {}, form)).toMatchObject({ status: 409 });
    expect(await ask("search", { text: "x".repeat(33_000), limit: 1 })).toMatchObject({
      status: 409,
    });
  });

  test("and every answer forbids what is loaded from elsewhere, framed or kept", async () => {
    const { ask, raw } = await openConsole();
    for (const { headers } of [await ask("now"), await raw("GET", "/", {})]) {
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });
});

describe("a change by the console", () => {
  test("is refused unless it was started with --allow-changes", async () => {
    const { ask, service, key, id } = await openConsole();
    const before = await service.item(key);
    const preview = await ask("preview", { verb: "suspend", id });
    expect(preview.status).toBe(409);
    expect(preview.body).toContain("--allow-changes");
    expect((await ask("apply", { plan: "0" })).status).toBe(409);
    expect(await service.item(key)).toEqual(before);
  });

  test.for([
    [{ verb: "extend", days: 30 }, ["extend", "--days", "30"]],
    [{ verb: "suspend" }, ["suspend", "--yes"]],
    [
      { verb: "end-session", symbol: ["ES"], now: true },
      ["end-session", "--symbol", "ES", "--now", "--yes"],
    ],
  ] as const)("%j leaves the item and the history that the verb leaves", async ([body, words]) => {
    const { ask, answer, service, license, key, id, bot } = await openConsole({
      allowChanges: true,
    });
    const twin = await service.license({
      email: "ada@example.com",
      licenseType: "pro",
      maxSessions: 3,
      expiresAtMs: service.nowMs() + 3 * dayMs,
    });
    const twinBot = { ...bot, license_key: twin };
    await service.validate(twinBot);
    await service.heartbeat({ ...twinBot, bot_version: "1.2", status: "trading" });

    const preview = await answer("preview", { ...body, id });
    const applied = await ask("apply", { plan: preview.plan, reason: "asked by phone" });
    const [verb = "", ...options] = words;
    const ran = await license([verb, twin, ...options, "--json", "--reason", "asked by phone"]);

    const { warnings, ...view } = JSON.parse(applied.body);
    expect(warnings).toEqual([]);
    const alike = (value: unknown, ownId: string) =>
      JSON.parse(
        JSON.stringify(value)
          .replaceAll(ownId, "ID")
          .replaceAll(/"(\w*session_id|change_id|device_hash)":"[^"]+"/g, '"$1":"-"'),
      );
    expect(alike(view, id)).toEqual(alike(JSON.parse(ran.stdout), licenseIdOf(twin)));
    const stored = (licenseKey: string) =>
      service.item(licenseKey).then((item) => alike(item, licenseIdOf(licenseKey)));
    expect(await stored(key)).toEqual(await stored(twin));
    const [one, other] = readFileSync(join(folder, "history.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line.includes('"license_changed"'));
    expect(alike(JSON.parse(one ?? ""), id)).toEqual(
      alike(JSON.parse(other ?? ""), licenseIdOf(twin)),
    );
    expect(one).toContain("asked by phone");
  });

  test.for(["delete", "cancel", "create", "set", "import", "signing-key"])(
    "can't be %s: that stays with the command line, even with --allow-changes",
    async (verb) => {
      const { ask, service, key, id } = await openConsole({ allowChanges: true });
      const before = await service.item(key);
      const preview = await ask("preview", { verb, id, key, type: "pro" });
      expect(preview).toMatchObject({ status: 409 });
      expect(preview.body).toContain("The request can't be read: verb");
      expect((await ask(verb, { id })).status).toBe(404);
      expect(await service.item(key)).toEqual(before);
    },
  );

  test("shows what it would do and asks what the verb asks, before it does it", async () => {
    const { ask, answer, service, key, id } = await openConsole({ allowChanges: true });
    const before = await service.item(key);
    const extend = await answer("preview", { verb: "extend", id, days: 2 });
    expect(extend.facts).toEqual([
      { name: "expires", was: "2026-01-08 12:00:00Z", is: "2026-01-10 12:00:00Z" },
    ]);
    const free = { verb: "end-session", id, symbol: ["ES"], now: true };
    expect((await ask("preview", free)).body).toContain("may go on trading beside the next device");
    const nothing = await answer("preview", { verb: "activate", id });
    expect(nothing).toMatchObject({
      plan: null,
      question: "It is already active; nothing was done.",
    });
    expect(await service.item(key)).toEqual(before);
  });

  test("asks of a selection, and refuses a key that was replaced, in the words of the verb", async () => {
    const { answer, service, license, key, id } = await openConsole({ allowChanges: true });
    const type = "mixed";
    await service.license({ licenseType: type });
    await service.license({ licenseType: type, expiresAtMs: service.nowMs() + dayMs });
    const body = { verb: "extend", selection: { type }, days: 2 };
    const { question } = await answer("preview", body);
    const verb = await license(`extend --type ${type} --days 2`, { answer: false });
    expect(verb.stderr).toContain(question);
    expect(question).toContain("1 of 2 licenses");

    await license(["rekey", key, "--yes"]);
    const replaced = await answer("preview", { verb: "suspend", id });
    const refused = await license(["suspend", key, "--yes"]);
    const [, why] = /: (it was given a new key.*)\n/.exec(refused.stderr) ?? [];
    expect(replaced).toMatchObject({ plan: null, question: `Nothing can be done: ${why}` });
  });

  test.for<[place: string, isThere: boolean]>([
    ["the history's folder is there", true],
    ["it is not", false],
  ])("says where it is recorded before it is made: %s", async ([, isThere]) => {
    const expected = isThere ? `The history is in ${folder}` : "Changes will be in no history";
    if (!isThere) rmSync(folder, { recursive: true });
    const end = new AbortController();
    const context = { variables, now: Date.now, stop: end.signal };
    const desk = { table: await openTable(), context, allowChanges: true };
    expect((await questions.about.answer(desk, {})).history).toContain(expected);

    const options = { variables, stop: end.signal, onOutput: () => end.abort() };
    const ran = await operator(engine)("console --allow-changes", options);
    expect(ran.stderr).toContain(expected);
  });

  test("is made once, and not at all if the license is no longer what was previewed", async () => {
    const { ask, answer, service, license, key, id } = await openConsole({ allowChanges: true });
    const preview = async () => (await answer("preview", { verb: "extend", id, days: 30 })).plan;
    const plan = await preview();
    expect((await ask("apply", { plan })).status).toBe(200);
    expect((await ask("apply", { plan })).body).toContain("too old");
    const stale = await preview();
    await license(["extend", key, "--days", "1"]);
    expect((await ask("apply", { plan: stale })).body).toContain("Somebody else changed");
    const old = await preview();
    service.passSeconds(601);
    expect((await ask("apply", { plan: old })).body).toContain("too old");
    const { license_expiration } = (await service.item(key)) ?? {};
    expect(((license_expiration ?? 0) - service.nowMs() + 601_000) / dayMs).toBe(34);
  });

  test("gives a new key, shows it once and before it works, and the old one ends", async () => {
    const { desk, service, key, id } = await openConsole({ allowChanges: true });
    const changes = openChanges(desk);
    const code = async (license_key: string) =>
      (await service.validate({ license_key, device_fingerprint: device, check_only: true })).body
        .code;
    const { plan } = await changes.preview({ verb: "rekey", id });
    const views: Record<string, unknown>[] = [];
    const codes: unknown[] = [];
    await changes.apply({ plan }, async (view) => {
      views.push(Object(view));
      codes.push(await code(String(views[0]?.license_key)), await code(key));
    });
    expect(views).toMatchObject([{ previous_license_id: id }, { done: true, warnings: [] }]);
    expect(codes).toEqual([
      "license_unknown",
      "license_cancelled",
      "available",
      "license_cancelled",
    ]);
  });

  test("a new key that does not arrive is never put to use", async () => {
    const { desk, service, id } = await openConsole({ allowChanges: true });
    const changes = openChanges(desk);
    const { plan } = await changes.preview({ verb: "rekey", id });
    let newKey = "";
    const lost = changes.apply({ plan }, async (view) => {
      newKey = Object(view).license_key;
      throw new Error("The page is gone");
    });
    await expect(lost).rejects.toThrow("it was not put to use");
    expect(await service.item(newKey)).toBeUndefined();
  });
});
