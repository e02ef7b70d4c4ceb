import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { env } from "node:process";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { afterEach, describe, expect, test } from "vitest";
import type { SigningKey } from "../../lambdas/http/signing-keys.ts";
import { chromiumCommand, openPage } from "./chromium.ts";
import { startFakeService } from "./fake-service.ts";
import { signedBy } from "./signed-by.ts";
import { testKey } from "./vectors/build-vectors.ts";

const heartbeatPath = "/api/heartbeat";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("the TypeScript client in a page of Chromium", () => {
  if (!chromiumCommand && env.CI === undefined) {
    test.skip("needs chromium: apt-get install chromium", () => {});
    return;
  }

  test("keeps its session while the page is hidden, and releases it", async () => {
    const { page, service } = await openSessionInPage();
    await page.hide();
    await expect.poll(() => page.evaluate("document.visibilityState")).toBe("hidden");
    const already = service.asked.filter((path) => path === heartbeatPath).length;
    await service.wasAsked(heartbeatPath, already + 3);
    expect(await page.evaluate("session.held")).toBe(true);
    expect(await page.evaluate("session.release()")).toBe("released");
  });

  test("is not held up in a hidden page as its timers are", async () => {
    const { page } = await openSessionInPage();
    await page.hide();
    await expect.poll(() => page.evaluate("document.visibilityState")).toBe("hidden");
    // Chromium lets timers that set each other fire once a minute, from the fifth on.
    const first = await page.evaluate(`(async () => {
      const runtime = LicenseSession.createWebRuntime({ url: location.href }, console);
      const never = new AbortController().signal;
      const client = async () => {
        for (let second = 0; second < 10; second++)
          await runtime.pause(runtime.nowMs() + 1_000, never, "keeps alive");
        return "the client";
      };
      const page = new Promise((resolve) => {
        let left = 9;
        const next = () => (--left > 0 ? setTimeout(next, 1_000) : resolve("the page"));
        setTimeout(next, 1_000);
      });
      return Promise.race([client(), page]);
    })()`);
    expect(first).toBe("the client");
  });

  test("goes on where the page's policy allows no worker, and says what it means", async () => {
    const { page, service } = await openSessionInPage({
      "content-security-policy": "worker-src 'none'",
    });
    await service.wasAsked(heartbeatPath);
    expect(await page.evaluate("session.held")).toBe(true);
    await expect.poll(() => page.evaluate("warnings.join()")).toMatch(/allows no worker/);
  });

  test("learns at once that the page's policy allows no requests to the service", async () => {
    const policy = { "content-security-policy": "connect-src 'self'" };
    const { page, service } = await openPageWithClient(policy);
    const failure = await page.evaluate(
      "LicenseSession.openSession(options).catch(({ name, problem }) => name + ': ' + problem)",
    );
    expect(failure).toBe(
      `ServiceUnavailable: this page's Content-Security-Policy does not allow requests to ${service.url}: add it to connect-src`,
    );
    expect(service.asked).toEqual([]);
  });

  test("claims nothing in a copy of the page that is rendered before its user opens it", async () => {
    const service = await startService();
    const told: string[] = [];
    const isTold = (what: string) => expect.poll(() => told).toContain(what);
    let show = (): void => {};
    const bot = `<script>${await clientScript()}</script><script>
      const options = ${optionsAsText(service.url)};
      const tell = (what) => fetch("/told/" + what);
      const giving = new AbortController();
      LicenseSession.openSession({ ...options, signal: giving.signal })
        .catch((reason) => tell(reason + (document.prerendering ? "-unseen" : "-seen")));
      giving.abort("given-up");
      LicenseSession.openSession(options)
        .then((session) => session.release())
        .then(tell);
    </script>`;
    const website = await startWebsite((path, response) => {
      if (path === "/")
        response.end(`<!doctype html>
          <script type="speculationrules">{ "prerender": [{ "urls": ["/bot"] }] }</script>
          <script>fetch("/shown").then(() => { location.href = "/bot"; });</script>`);
      else if (path === "/shown") show = () => response.end();
      else if (path === "/bot") response.end(`<!doctype html>${bot}`);
      else response.end(void told.push(path.slice("/told/".length)));
    });
    await openPageAt(website);
    await isTold("given-up-unseen");
    expect(service.asked).toEqual([]);
    show();
    await isTold("released");
  });

  test("verifies signed answers with the browser's own cryptography, and takes no others", async () => {
    const { key } = testKey("service");
    const { page, service } = await openSessionInPage({}, key);
    expect(await page.evaluate("session.held")).toBe(true);
    await service.wasAsked(heartbeatPath);
    expect(await page.evaluate("session.release()")).toBe("released");
    const other = JSON.stringify([testKey("other").key.publicKeyText]);
    const failure = page.evaluate(
      `new Promise((resolve) => {
        const onStatus = ({ problem }) => resolve(problem);
        LicenseSession.openSession({ ...options, publicKeys: ${other}, onStatus }).catch(resolve);
      })`,
    );
    expect(await failure).toBe("answer_of_another_key");
  });
});

async function openSessionInPage(policy: Record<string, string> = {}, key?: SigningKey) {
  const { page, service } = await openPageWithClient(policy, key);
  await page.evaluate(
    "LicenseSession.openSession(options).then((session) => { globalThis.session = session; })",
  );
  return { page, service };
}

/** A page of another origin than the service, as most are. */
async function openPageWithClient(policy: Record<string, string> = {}, key?: SigningKey) {
  const service = await startService(key);
  const script = await clientScript();
  const website = await startWebsite((_path, response) => {
    for (const [name, value] of Object.entries(policy)) response.setHeader(name, value);
    response.end(`<!doctype html><script>${script}</script>`);
  });
  const page = await openPageAt(website);
  await expect.poll(() => page.evaluate("typeof LicenseSession")).toBe("object");
  await page.evaluate(`(async () => {
    globalThis.warnings = [];
    globalThis.options = ${optionsAsText(service.url, key)};
  })()`);
  return { page, service };
}

function optionsAsText(url: string, key?: SigningKey): string {
  return `{
    url: ${JSON.stringify(url)}, licenseKey: "KEY", deviceFingerprint: "device",
    logger: { debug() {}, info() {}, warn: (text) => warnings.push(text), error() {} },
    publicKeys: ${key ? JSON.stringify([key.publicKeyText]) : "undefined"},
  }`;
}

async function startService(key?: SigningKey) {
  const service = await startFakeService();
  cleanups.push(() => service.stop());
  service.instead = async (response, request) => {
    const { method, url = "" } = request;
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "content-type");
    response.setHeader("access-control-expose-headers", "content-digest,signature,signature-input");
    if (method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    const requestBody = await text(request);
    if (key) {
      const signature = signedBy([key], url, requestBody, JSON.stringify(service.answers[url]));
      for (const [name, value] of Object.entries(signature)) response.setHeader(name, value);
    }
    service.answer(response, url);
  };
  return service;
}

async function clientScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { openSession } from "./open-session.ts";
        export { createWebRuntime } from "./web-runtime.ts";`,
      resolveDir: join(import.meta.dirname, "../../clients/typescript"),
    },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "LicenseSession",
  });
  return outputFiles[0]?.text ?? "";
}

async function startWebsite(
  answer: (path: string, response: ServerResponse) => void,
): Promise<string> {
  const website = createServer(({ url = "" }, response) => {
    response.setHeader("content-type", "text/html");
    answer(url, response);
  });
  website.listen(0, "127.0.0.1");
  await once(website, "listening");
  cleanups.push(() => website.close());
  return `http://127.0.0.1:${(website.address() as AddressInfo).port}/`;
}

async function openPageAt(url: string) {
  const page = await openPage(chromiumCommand ?? "chromium", url);
  cleanups.push(() => page.close());
  return page;
}
