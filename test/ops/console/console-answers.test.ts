import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { formatLogLine } from "../../../local/functions/function-log.ts";
import { openChanges, questions } from "../../../ops/console/console-api.ts";
import { serveConsole } from "../../../ops/console/serve-console.ts";
import { withTable } from "../../../ops/data/with-table.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { openTestService } from "../../support/test-service.ts";

const device = "device-a-0123456789";
const dayMs = 86_400_000;

let engine: Awaited<ReturnType<typeof startDynalite>>;
let folder: string;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "license-sessions-console-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

type Served = {
  ask(name: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** A request as it is, with no header but the given ones. */
  raw(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Reply>;
  desk: Parameters<typeof openChanges>[0];
  port: number;
  token: string;
};
type Reply = { status: number; body: string; headers: NodeJS.Dict<string | string[]> };

/** The console on the test's engine, its clock and its history, as long as `work` takes. */
async function withConsole(
  { allowChanges = false }: { allowChanges?: boolean },
  work: (served: Served, kit: Awaited<ReturnType<typeof kitOf>>) => Promise<void>,
): Promise<void> {
  const kit = await kitOf();
  const variables = { DYNAMODB_ENDPOINT: engine.endpoint, DATA_DIR: folder };
  const stop = new AbortController().signal;
  await withTable({}, variables, async (table) => {
    const context = { variables, now: kit.service.nowMs, stop };
    const desk = { table, context, allowChanges };
    const files = { "/": { type: "text/html", text: "<p>The page</p>" } };
    const served = await serveConsole(desk, files, 0);
    const { port, hash } = new URL(served.address);
    const token = hash.replace("#token=", "");
    const raw: Served["raw"] = (method, path, headers, body = "") =>
      new Promise((resolve, reject) => {
        const length = { "content-length": String(Buffer.byteLength(body)) };
        const to = { method, path, host: "127.0.0.1", port, headers: { ...length, ...headers } };
        request(to, async (response) =>
          resolve({
            status: response.statusCode ?? 0,
            body: await text(response),
            headers: response.headers,
          }),
        )
          .on("error", reject)
          .end(body);
      });
    const ask: Served["ask"] = (name, body = {}, headers = {}) => {
      const usual = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      return raw("POST", `/api/${name}`, { ...usual, ...headers }, JSON.stringify(body));
    };
    try {
      await work({ ask, raw, desk, port: Number(port), token }, kit);
    } finally {
      await served.close();
    }
  });
}

async function kitOf() {
  const service = openTestService(engine);
  const log = (line: unknown) =>
    appendFileSync(
      join(folder, "history.jsonl"),
      `${formatLogLine("INFO", [line], "request-1", new Date(service.nowMs()))}\n`,
    );
  vi.spyOn(console, "info").mockImplementation(log);
  log({ event: "nothing" });
  const license = operator(engine, { now: service.nowMs, variables: { DATA_DIR: folder } });
  const key = await service.license({
    ...{ email: "ada@example.com", licenseType: "pro", maxSessions: 3 },
    expiresAtMs: service.nowMs() + 3 * dayMs,
  });
  const bot = { license_key: key, device_fingerprint: device, symbol: "ES" };
  await service.validate(bot);
  await service.heartbeat({ ...bot, bot_version: "1.2", status: "trading" });
  await service.validate({ ...bot, device_fingerprint: "laptop-b-0123456789" });
  return { service, license, key, id: licenseIdOf(key), bot };
}

describe("the console answers what the verb prints with --json", () => {
  test("of one license: show, history and find", async () => {
    await withConsole({}, async ({ ask }, { license, key, id, service }) => {
      const verb = async (...words: string[]) =>
        JSON.parse((await license([...words, "--json"])).stdout);
      const answer = async (name: string, body: object) => JSON.parse((await ask(name, body)).body);
      expect(await answer("license", { id })).toEqual(await verb("show", key));
      const since = service.nowMs() - 7 * dayMs;
      const history = await answer("history", { id, since });
      expect(history).toEqual(await verb("history", key, "--since", "7d"));
      expect(history.holds).toHaveLength(1);
      for (const words of [key, id.slice(0, 9), "ADA@", "device-a...", "es"]) {
        const { licenses, next } = await answer("search", { text: words, limit: 100 });
        const found = await verb("find", words);
        expect(licenses).toEqual(found);
        expect([next, found.length > 0]).toEqual([null, true]);
      }
    });
  });

  test("of all: now, refusals and usage", async () => {
    await withConsole({}, async ({ ask }, { license, service }) => {
      const verb = async (words: string) => JSON.parse((await license(`${words} --json`)).stdout);
      const answer = async (name: string, body: object) => JSON.parse((await ask(name, body)).body);
      expect(await answer("now", {})).toEqual(await verb("now"));
      const since = service.nowMs() - dayMs;
      expect(await answer("refusals", { since })).toEqual(await verb("refusals --since 1d"));
      const month = { since: Date.UTC(2026, 0, 1), until: Date.UTC(2026, 1, 1) };
      const { month: asked, ...usage } = await verb("usage --month 2026-01");
      expect(await answer("usage", month)).toEqual(usage);
      expect([asked, usage.active_licenses > 0]).toEqual(["2026-01", true]);
    });
  });

  test("a list and its CSV, a page at a time: together they are the verb's", async () => {
    await withConsole({}, async ({ ask }, { license, service }) => {
      for (let at = 0; at < 7; at++) await service.license({ licenseType: "paged" });
      const filter = { type: "paged" };
      let [all, csv, pages]: [unknown[], string, number] = [[], "", 0];
      for (let after: string | null = null; ; pages++) {
        const body: object = { ...filter, limit: 2, ...(after !== null && { after }) };
        const page = JSON.parse((await ask("list", body)).body);
        const part = JSON.parse((await ask("csv", body)).body);
        all = [...all, ...page.licenses];
        csv += (csv === "" ? part.head : "") + part.lines;
        expect(part.next).toBe(page.next);
        after = page.next;
        if (after === null) break;
      }
      expect(pages).toBeGreaterThan(2);
      expect(all).toEqual(JSON.parse((await license("list --type paged --json")).stdout));
      expect(csv).toBe((await license("list --type paged --csv")).stdout);
    });
  });
});

describe("the console answers nobody else", () => {
  test("without the token, or with another one", async () => {
    await withConsole({}, async ({ ask }) => {
      for (const authorization of ["", "Bearer ", `Bearer ${"x".repeat(32)}`]) {
        expect(await ask("now", {}, { authorization })).toMatchObject({ status: 401 });
      }
    });
  });

  test.for([
    ["another name that leads here", { host: "evil.example" }, 421],
    ["another port", { host: "127.0.0.1:1" }, 421],
    ["a page of another origin", { origin: "https://evil.example" }, 403],
    ["a page of another port", { origin: "http://127.0.0.1:1" }, 403],
    ["a page without origin", { origin: "null" }, 403],
    ["a request that the browser calls foreign", { "sec-fetch-site": "cross-site" }, 403],
  ] as const)("by %s, even with the token", async ([, headers, status]) => {
    await withConsole({}, async ({ ask, raw }) => {
      expect(await ask("now", {}, headers)).toMatchObject({ status });
      expect(await raw("GET", "/", headers)).toMatchObject({ status });
    });
  });

  test("on another machine: it listens on this machine's own address alone", async () => {
    await withConsole({}, async ({ port }) => {
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
  });

  test("by a form or a link: only by a POST of JSON", async () => {
    await withConsole({}, async ({ ask, raw, token }) => {
      const authorization = `Bearer ${token}`;
      expect(await raw("GET", "/api/now", { authorization })).toMatchObject({ status: 405 });
      const form = { "content-type": "text/plain" };
      expect(await ask("now", {}, form)).toMatchObject({ status: 409 });
      expect(await ask("search", { text: "x".repeat(33_000), limit: 1 })).toMatchObject({
        status: 409,
      });
    });
  });

  test("and every answer forbids what is loaded from elsewhere, framed or kept", async () => {
    await withConsole({}, async ({ ask, raw }) => {
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
});

describe("a change by the console", () => {
  test("is refused unless it was started with --allow-changes", async () => {
    await withConsole({}, async ({ ask }, { service, key, id }) => {
      const before = await service.item(key);
      const preview = await ask("preview", { verb: "suspend", id });
      expect(preview.status).toBe(409);
      expect(preview.body).toContain("--allow-changes");
      expect((await ask("apply", { plan: "0" })).status).toBe(409);
      expect(await service.item(key)).toEqual(before);
    });
  });

  test.for([
    [{ verb: "extend", days: 30 }, ["extend", "--days", "30"]],
    [{ verb: "suspend" }, ["suspend", "--yes"]],
    [
      { verb: "end-session", symbol: ["ES"], now: true },
      ["end-session", "--symbol", "ES", "--now", "--yes"],
    ],
  ] as const)("%j leaves the item and the history that the verb leaves", async ([body, words]) => {
    await withConsole({ allowChanges: true }, async ({ ask }, kit) => {
      const { service, license, key, id, bot } = kit;
      const twin = await service.license({
        ...{ email: "ada@example.com", licenseType: "pro", maxSessions: 3 },
        expiresAtMs: service.nowMs() + 3 * dayMs,
      });
      const twinBot = { ...bot, license_key: twin };
      await service.validate(twinBot);
      await service.heartbeat({ ...twinBot, bot_version: "1.2", status: "trading" });

      const preview = JSON.parse((await ask("preview", { ...body, id })).body);
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
  });

  test.for(["delete", "cancel", "create", "set", "import", "signing-key"])(
    "can't be %s: that stays with the command line, even with --allow-changes",
    async (verb) => {
      await withConsole({ allowChanges: true }, async ({ ask }, { service, key, id }) => {
        const before = await service.item(key);
        const preview = await ask("preview", { verb, id, key, type: "pro" });
        expect(preview).toMatchObject({ status: 409 });
        expect(preview.body).toContain("The request can't be read: verb");
        expect((await ask(verb, { id })).status).toBe(404);
        expect(await service.item(key)).toEqual(before);
      });
    },
  );

  test("shows what it would do and asks what the verb asks, before it does it", async () => {
    await withConsole({ allowChanges: true }, async ({ ask }, { service, key, id }) => {
      const before = await service.item(key);
      const extend = JSON.parse((await ask("preview", { verb: "extend", id, days: 2 })).body);
      expect(extend.facts).toEqual([
        { name: "expires", was: "2026-01-08 12:00:00Z", is: "2026-01-10 12:00:00Z" },
      ]);
      const free = { verb: "end-session", id, symbol: ["ES"], now: true };
      expect((await ask("preview", free)).body).toContain(
        "may go on trading beside the next device",
      );
      const nothing = JSON.parse((await ask("preview", { verb: "activate", id })).body);
      expect(nothing).toMatchObject({
        plan: null,
        question: "It is already active; nothing was done.",
      });
      expect(await service.item(key)).toEqual(before);
    });
  });

  test("asks of a selection, and refuses a key that was replaced, in the words of the verb", async () => {
    await withConsole({ allowChanges: true }, async ({ ask }, { license, key, id, service }) => {
      const type = "mixed";
      await service.license({ licenseType: type });
      await service.license({ licenseType: type, expiresAtMs: service.nowMs() + dayMs });
      const body = { verb: "extend", selection: { type }, days: 2 };
      const { question } = JSON.parse((await ask("preview", body)).body);
      const verb = await license(`extend --type ${type} --days 2`, { answer: false });
      expect(verb.stderr).toContain(question);
      expect(question).toContain("1 of 2 licenses");

      await license(["rekey", key, "--yes"]);
      const replaced = JSON.parse((await ask("preview", { verb: "suspend", id })).body);
      const refused = await license(["suspend", key, "--yes"]);
      const [, why] = /: (it was given a new key.*)\n/.exec(refused.stderr) ?? [];
      expect(replaced).toMatchObject({ plan: null, question: `Nothing can be done: ${why}` });
    });
  });

  test.for<[place: string, isThere: boolean]>([
    ["the history's folder is there", true],
    ["it is not", false],
  ])("says where it is recorded before it is made: %s", async ([, isThere]) => {
    const expected = isThere ? `The history is in ${folder}` : "Changes will be in no history";
    if (!isThere) rmSync(folder, { recursive: true });
    const variables = { DYNAMODB_ENDPOINT: engine.endpoint, DATA_DIR: folder };
    const history = await withTable({}, variables, async (table) => {
      const context = { variables, now: Date.now, stop: new AbortController().signal };
      return (await questions.about.answer({ table, context, allowChanges: true }, {})).history;
    });
    expect(history).toContain(expected);

    const end = new AbortController();
    const ran = await operator(engine, { variables: { DATA_DIR: folder } })(
      "console --allow-changes",
      { stop: end.signal, onOutput: () => end.abort() },
    );
    expect(ran.stderr).toContain(expected);
  });

  test("is made once, and not at all if the license is no longer what was previewed", async () => {
    await withConsole({ allowChanges: true }, async ({ ask }, { service, license, key, id }) => {
      const preview = async () =>
        JSON.parse((await ask("preview", { verb: "extend", id, days: 30 })).body).plan;
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
  });

  test("gives a new key, shows it once and before it works, and the old one ends", async () => {
    await withConsole({ allowChanges: true }, async ({ desk }, { service, key, id }) => {
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
  });

  test("a new key that does not arrive is never put to use", async () => {
    await withConsole({ allowChanges: true }, async ({ desk }, { service, id }) => {
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
});
