import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env } from "node:process";
import { runInNewContext } from "node:vm";
import { build, transformSync } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFakeService } from "./fake-service.ts";
import { runFile } from "./run-program.ts";

const root = join(import.meta.dirname, "../..");

const compilers = {
  "TypeScript 5.4": join(root, "node_modules/typescript-5.4/bin/tsc"),
  "TypeScript 7": join(root, "node_modules/typescript/bin/tsc"),
};

/** A program that uses every kind of thing the package shows. */
const program = `
  const bot: SessionOptions = {
    url: process.argv[2] ?? "", licenseKey: "KEY", deviceFingerprint: "device",
    onStatus: (status) => { if (status.state === "ended") console.log(status.reason); },
    onSymbolLost: ({ symbol, code }: SymbolLoss) => console.log(symbol, code satisfies string),
    onReleaseRequest: ({ device }: ReleaseRequest) => console.log(device),
    fetch: (url, init) => fetch(url, init),
  };
  async function main(): Promise<void> {
    const check: SessionCheck = await checkSession(bot);
    if (!check.available) throw new Error(check.message);
    const session: Session = await openSession(bot);
    console.log(session.held, await session.release());
    const dispose: () => Promise<void> = () => session[Symbol.asyncDispose]();
    await dispose();
    const ended: unknown = session.signal.reason;
    if (ended instanceof SessionEnded) console.log(ended.code satisfies string);
    console.log(ended instanceof LicenseSessionError, ended instanceof SessionRefused);
  }
  void main();`;
const names = "checkSession, LicenseSessionError, openSession, SessionEnded, SessionRefused";
const types = "ReleaseRequest, Session, SessionCheck, SessionOptions, SymbolLoss";
const typed = `
  import { ${names}, type ${types.replaceAll(", ", ", type ")} } from "license-session";
  declare const process: { argv: string[] };
  ${program}`;
const printed = "released\ntrue released\nreleased\ntrue false\n";

describe("the package that `npm pack` makes of the TypeScript client, in an empty project", () => {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
  const installed = join(folder, "node_modules/license-session");
  let service: Awaited<ReturnType<typeof startFakeService>>;

  beforeAll(async () => {
    const packed = npm("pack", join(root, "clients/typescript"), "--pack-destination", folder);
    const tarball = packed.trim().split("\n").at(-1) ?? "";
    writeFileSync(join(folder, "package.json"), '{ "private": true }');
    npm("install", "--offline", "--no-audit", "--no-fund", join(folder, tarball));
    service = await startFakeService();
    service.instead = (response, incoming) => {
      const { url = "" } = incoming;
      incoming.on("data", (chunk) => {
        const isCheck = JSON.parse(String(chunk)).check_only === true;
        if (isCheck) response.end(JSON.stringify({ code: "available" }));
        else service.answer(response, url);
      });
    };
  }, 120_000);
  afterAll(() => {
    service.stop();
    rmSync(folder, { recursive: true });
  });

  function npm(...words: string[]): string {
    const { stdout, stderr, status } = spawnSync("npm", words, {
      cwd: folder,
      env,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  function file(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  test("has its README, changelog, license, declarations and nothing but what was built", () => {
    const files = globSync("**", { cwd: installed }).filter((name) => /\w\.\w/.test(name));
    const known =
      /^(package\.json|(README|CHANGELOG)\.md|dist\/.+\.(js|js\.map|d\.ts)|dist\/commonjs\/package\.json)$/;
    expect(files.filter((name) => !known.test(name))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(["README.md", "CHANGELOG.md"]));
    expect(readFileSync(join(installed, "LICENSE"), "utf8")).toMatch(/^Copyright/);
    for (const name of files.filter((name) => name.endsWith(".map"))) {
      const { sourcesContent } = JSON.parse(readFileSync(join(installed, name), "utf8"));
      expect(sourcesContent, name).toEqual([...sourcesContent].map(() => expect.any(String)));
    }
  });

  test("is imported by an ES module and required by a CommonJS one", async () => {
    const { code: js } = transformSync(program, { loader: "ts" });
    const modules = {
      "main.mjs": `import { ${names} } from "license-session"; ${js}`,
      "main.cjs": `const { ${names} } = require("license-session"); ${js}`,
    };
    for (const [name, text] of Object.entries(modules)) {
      const { output } = await runFile(file(name, text), service.url);
      expect(output, name).toBe(printed);
    }
  });

  test("imported and required in one process, is one client: errors are known across, a signal releases all", async () => {
    const main = file(
      "both.mjs",
      `import { createRequire } from "node:module";
      import * as imported from "license-session";
      const required = createRequire(import.meta.url)("license-session");
      const bot = { url: process.argv[2], licenseKey: "KEY", deviceFingerprint: "device" };
      const [one, other] = [await imported.openSession(bot), await required.openSession(bot)];
      await one.release();
      const ended = one.signal.reason;
      class Own extends required.SessionEnded {}
      console.log(
        ended instanceof required.SessionEnded, ended instanceof required.LicenseSessionError,
        ended instanceof required.SessionRefused, ended instanceof Own,
        imported.SessionEnded === required.SessionEnded,
        new Own({ reason: "lost", code: "session_not_found" }) instanceof imported.SessionEnded,
        new Error("another") instanceof imported.LicenseSessionError,
      );
      globalThis.third = await imported.openSession(bot);
      other.signal.addEventListener("abort", () => console.log("released by the signal"));
      process.kill(process.pid, "SIGTERM");
      setInterval(() => {}, 1_000);`,
    );
    const releases = () => service.asked.filter((path) => path.endsWith("release")).length;
    const before = releases();
    const { output, signal } = await runFile(main, service.url);
    expect(output).toBe("true true false false false true false\nreleased by the signal\n");
    expect(signal).toBe("SIGTERM");
    expect(releases() - before).toBe(3);
  });

  describe("the examples of its README run:", () => {
    const { heartbeat, claim } = { heartbeat: "/api/heartbeat", claim: "/api/validate-license" };
    let before: typeof service.answers;
    beforeEach(() => {
      before = structuredClone(service.answers);
    });
    afterEach(() => {
      service.answers = before;
    });

    function example(index: number): string {
      const readme = readFileSync(join(installed, "README.md"), "utf8");
      const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, text = ""]) => text);
      // The first one begins with what the others go on from.
      const [setUp = ""] = examples[0]?.split(/^$/m) ?? [];
      const example = index === 0 ? examples[0] : setUp + examples[index];
      return file("example.mjs", `${example}`.replace(/https:\/\/[^"]+/, service.url));
    }

    test("one symbol", async () => {
      expect((await runFile(example(0), service.url)).output).toMatch(
        /^(buying with order id ES-1-\d\n){3}released\n$/,
      );
    });

    test("28 symbols", async () => {
      expect((await runFile(example(1), service.url)).output).toBe(
        "trading 28 symbols\nreleased false true\nreleased\n",
      );
    });

    test("a session that is opened again after an outage, and not after it was taken", async () => {
      service.answers[heartbeat] = { code: "session_not_found" };
      const running = runFile(example(2), service.url);
      const claims = service.asked.filter((path) => path === claim).length;
      await service.wasAsked(claim, claims + 2);
      service.answers[heartbeat] = { code: "session_taken" };
      const { output, exitCode } = await running;
      expect(output).toMatch(/^(held: .*\n.*\nlost\n)+held: .*\n.*\ntaken\n$/);
      expect(exitCode).toBe(0);
    });

    test("a holder that hands its session over", async () => {
      const recorded = service.answers[heartbeat];
      service.answers[heartbeat] = {
        ...recorded,
        release_asked_by: "laptop-5...",
        release_asked_seconds_ago: 3,
      };
      expect((await runFile(example(3), service.url)).output).toBe(
        "laptop-5... asked 3 s ago: closing positions\nhanded over: released\n",
      );
    });
  });

  test("is a script for a plain page", async () => {
    const script = readFileSync(join(installed, "dist/license-session.js"), "utf8");
    const page = { AbortController, URL, console };
    const type = runInNewContext(`${script}; typeof LicenseSession.openSession`, page);
    expect(type).toBe("function");
  });

  test("leaves nothing in a bundle of what is not used", async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: 'import { version } from "license-session"; console.log(version);',
        resolveDir: folder,
      },
      bundle: true,
      write: false,
      platform: "neutral",
    });
    expect(outputFiles[0]?.text.length).toBeLessThan(300);
  });

  test.for([
    ["TypeScript 5.4", "nodenext", "nodenext", ["main.mts", "main.cts"]],
    ["TypeScript 5.4", "esnext", "bundler", ["main.ts"]],
    ["TypeScript 5.4", "commonjs", "node10", ["main.ts"]],
    ["TypeScript 7", "nodenext", "nodenext", ["main.mts", "main.cts"]],
    ["TypeScript 7", "esnext", "bundler", ["main.ts"]],
  ] as const)(
    "its types are understood by %s, module %s and %s, in %s",
    ([compiler, module, resolution, names]) => {
      const compilerOptions = {
        noEmit: true,
        strict: true,
        target: "es2022",
        lib: ["es2022", "dom"],
        types: [],
        module,
        moduleResolution: resolution,
      };
      const files = names.map((name) => file(name, typed));
      const project = file("tsconfig.json", JSON.stringify({ compilerOptions, files }));
      const { stdout, status } = spawnSync(
        process.execPath,
        [compilers[compiler], "--project", project],
        { encoding: "utf8" },
      );
      expect(stdout).toBe("");
      expect(status).toBe(0);
    },
  );
});
