import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, platform } from "node:process";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { endsWithRun } from "../support/ends-with-run.ts";
import { startFakeService } from "./fake-service.ts";

const root = join(import.meta.dirname, "../..");
const built = mkdtempSync(join(tmpdir(), "license-session-csharp-"));
afterAll(() => rmSync(built, { recursive: true, force: true }));
const library = join(built, "LicenseSession.dll");
const tests = join(built, "LicenseSession.Tests.exe");

const outcomeSchema = z.strictObject({
  group: z.string(),
  name: z.string(),
  outcome: z.enum(["passed", "failed"]),
  detail: z.string(),
});

const hasMono = spawnSync("mcs", ["--version"]).status === 0 || env.CI !== undefined;
const complaints = hasMono ? compile() : "";
const outcomes = hasMono && complaints === "" ? await runTests() : [];

describe.skipIf(!hasMono)("the C# client", () => {
  test("compiles without a warning in the C# of 2012, with documentation of all that is public", () => {
    expect(complaints).toBe("");
    expect(outcomes.length).toBeGreaterThan(0);
  });

  for (const { group, name, outcome, detail } of outcomes) {
    test(`${group}: ${name}`, () => {
      expect(outcome, detail).toBe("passed");
    });
  }
});

let service: Awaited<ReturnType<typeof startFakeService>>;

async function startService() {
  service = await startFakeService();
  return service.stop;
}

describe.skipIf(!hasMono)("a program in C#", () => {
  beforeEach(startService);

  test.for([
    ["ends releases its session", "ends", 3, ["/api/session/release"]],
    ["exits on another thread releases its session", "exits", 4, ["/api/session/release"]],
    ["is told not to release when it ends leaves the session", "ends without releasing", 0, []],
  ] as const)("that %s", async ([, name, exitCode, asked]) => {
    expect(await run(name).ended).toMatchObject({ exitCode, output: "" });
    // On a slow machine it sends a heartbeat before it ends.
    const others = service.asked.filter((path) => path !== "/api/heartbeat");
    expect(others).toEqual(["/api/validate-license", ...asked]);
  });

  test("that has lost track of its session releases it, with a warning", async () => {
    const { child, output, ended } = run("loses it");
    await service.wasAsked("/api/session/release");
    child.kill("SIGKILL");
    await ended;
    expect(output()).toContain("released, because nothing refers to its Session any more");
  });

  // Mono hears of Ctrl-C at a terminal only, which `script` is on Linux.
  describe.skipIf(platform !== "linux")("at a terminal", () => {
    test.for(["waits", "waits, with a logger that hangs"])(
      "that %s, releases its session at Ctrl-C, and ends",
      async (name) => {
        await ctrlC(name);
        expect(service.asked.at(-1)).toBe("/api/session/release");
      },
    );

    test("that handles Ctrl-C itself holds its session until it ends", async () => {
      const printed = await ctrlC("cleans up");
      expect(printed).toContain("closing positions");
      expect(printed).toContain("Ctrl-C is left to the program");
      expect(service.asked.at(-1)).toBe("/api/session/release");
    });
  });

  const notAccepted = "the server's certificate or TLS is not accepted: ";
  const oldTls = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
  test.for<[what: string, prints: string, host: string, days: number, ServerOptions, boolean]>([
    ["a certificate that it trusts opens", "opened", "localhost", 2, {}, true],
    ["a foreign one", `${notAccepted}RemoteCertificateChainErrors`, "localhost", 2, {}, false],
    ["an expired one", `${notAccepted}RemoteCertificateChainErrors`, "localhost", -1, {}, true],
    ["a wrong host name", `${notAccepted}RemoteCertificateNameMismatch`, "a.example", 2, {}, true],
    ["old TLS", notAccepted, "localhost", 2, oldTls as ServerOptions, true],
  ])(
    "that meets %s: which is said at the first attempt",
    async ([, prints, host, days, options, isTrusted]) => {
      const { cert, ...secrets } = makeCertificate(host, days);
      const server = createServer({ cert, ...secrets, ...options }, (request, response) => {
        service.asked.push(request.url ?? "");
        service.answer(response, request.url ?? "");
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      const trust = { XDG_CONFIG_HOME: isTrusted ? trustOnly(cert) : built };
      const ended = await run("opens", `https://localhost:${port}`, trust).ended;
      server.close();
      expect(ended.output).toMatch(new RegExp(`^${prints}`));
      expect(ended.output).not.toContain("trying again");
      expect(service.asked.length > 0).toBe(prints === "opened");
    },
  );

  function run(name: string, url = service.url, variables = {}) {
    return start("mono", ["--debug", tests, "--program", name, url], variables);
  }

  /** Presses Ctrl-C once the program says that its session is open; returns what it prints. */
  async function ctrlC(name: string): Promise<string> {
    const command = `stty -echo; mono ${tests} --program '${name}' ${service.url}`;
    const { child, ended, output } = start("script", ["-qfec", command, "/dev/null"]);
    const look = () => {
      if (!/open\r?\n/.test(output())) return;
      child.stdout.off("data", look);
      child.stdin.write("\x03");
    };
    child.stdout.on("data", look);
    await ended;
    return output();
  }
});

describe.skipIf(!hasMono)(
  "two copies of the C# client in one program, in its own sources and in a library",
  () => {
    beforeEach(startService);

    const program = (body: string) => `
    extern alias library;
    using System;
    using LicenseSessions;
    using Theirs = library::LicenseSessions;
    static class Program
    {
      static void Main(string[] words)
      {
        ${body}
      }
    }`;
    const options = `SessionOptions { Url = words[0], LicenseKey = "KEY", DeviceFingerprint = "device" }`;
    const open = `Session.Open(new ${options});`;
    const openTheirs = `Theirs.Session.Open(new Theirs.${options});`;

    test("the end of the process releases the sessions of both at the same time", async () => {
      Object.assign(service.answers["/api/validate-license"] ?? {}, {
        session_timeout_seconds: 60,
        held_for_seconds: 55,
        heartbeat_interval_seconds: 20,
      });
      const releasing: ServerResponse[] = [];
      let werePatient = false;
      service.instead = (response, { url = "" }) => {
        if (!url.endsWith("release")) return service.answer(response, url);
        // Neither is answered before both have asked.
        if (releasing.push(response) < 2) return;
        werePatient = releasing.every(({ destroyed }) => !destroyed);
        for (const one of releasing) service.answer(one, url);
      };
      const source = program(open + openTheirs);
      expect(await play(source)).toEqual([""]);
      expect([releasing.length, werePatient]).toEqual([2, true]);
    });

    test("an error of either says its code in the same place, although the types are two", async () => {
      service.instead = (response) => response.writeHead(401).end('{"code":"license_expired"}');
      const source = program(`
      try
      {
        ${openTheirs}
      }
      catch (Exception error)
      {
        Console.WriteLine((error is LicenseSessionException) + " " + error.Data["license_session.code"]);
      }`);
      expect(await play(source)).toEqual(["False license_expired"]);
    });

    function play(source: string): Promise<string[]> {
      return playProgram(
        source,
        [`-r:library=${library}`, ...sources("clients/csharp")],
        service.url,
      );
    }
  },
);

describe.skipIf(!hasMono)("the examples of the C# client's README", () => {
  const page = readFileSync(join(root, "clients/csharp/README.md"), "utf8");
  const examples = page
    .split("```csharp\n")
    .slice(1)
    .map((part) => part.split("```")[0] ?? "");
  beforeEach(startService);

  test("trade while the session is held, and release it", async () => {
    const lines = ["1", "2", "3"].map((order) => `buying with order id ES-1-${order}`);
    expect(await play(examples[0])).toEqual([...lines, "Released"]);
  });

  test("hold 28 symbols in one session, and go on without one that is lost", async () => {
    const named: number[] = [];
    service.instead = async (response, request) => {
      const { symbols = [] } = JSON.parse((await request.toArray()).join(""));
      const path = request.url ?? "";
      if (named.push(symbols.length) === 2) {
        const symbols_held = symbols.filter((symbol: string) => symbol !== "CADCHF");
        const symbols_lost = [{ symbol: "CADCHF", code: "session_taken" }];
        const lost = { code: "session_taken", symbols_held, symbols_lost };
        response.writeHead(500).end(JSON.stringify({ ...service.answers[path], ...lost }));
      } else if (named.length === 3) response.writeHead(500).end('{"code":"session_taken"}');
      else service.answer(response, path);
    };
    const lines = await play(around(examples[1]));
    expect(named).toEqual([28, 28, 27]);
    expect(lines).toContain("without CADCHF from now on: session_taken");
  });

  test("open a session anew that was lost, until it is taken", async () => {
    service.instead = (response, request) => {
      const path = request.url ?? "";
      const isFirst = service.asked.filter((asked) => asked.endsWith("license")).length === 1;
      const code = isFirst ? "session_not_found" : "session_taken";
      if (!path.endsWith("heartbeat")) service.answer(response, path);
      else response.writeHead(500).end(JSON.stringify({ code }));
    };
    expect(await play(around(`${examples[2]} Console.WriteLine(end);`))).toEqual([
      "Taken (session_taken)",
    ]);
    expect(service.asked.filter((asked) => asked.endsWith("license"))).toHaveLength(2);
  });

  /** What the page leaves out around an example. */
  function around(example = ""): string {
    return `
      using System;
      using System.Linq;
      using System.Threading;
      using LicenseSessions;
      static class Example
      {
        static void Trade(string symbol) {}
        static void Main()
        {
          var options = new SessionOptions
          {
            Url = "https://abc123.execute-api.eu-central-1.amazonaws.com", LicenseKey = "KEY", DeviceFingerprint = "device",
          };
          ${example}
        }
      }`;
  }

  async function play(source = ""): Promise<string[]> {
    const there = source.replace(/https:[a-z0-9/.-]*amazonaws.com/, service.url);
    const lines = await playProgram(there, [`-r:${library}`]);
    // Without what is logged.
    return lines.filter((line) => !line.startsWith("License session"));
  }
});

/** Compiles and runs a program; returns the lines that it prints. */
async function playProgram(source: string, parts: string[], ...words: string[]): Promise<string[]> {
  const [file, program] = [join(built, "Example.cs"), join(built, "Example.exe")];
  writeFileSync(file, source);
  expect(mcs([...parts, `-out:${program}`, file])).toBe("");
  const { exitCode, output } = await start("mono", ["--debug", program, ...words]).ended;
  expect(exitCode, output).toBe(0);
  return output.trim().split("\n");
}

function start(command: string, words: string[], variables = {}) {
  // Mono leaves files where it runs, if it crashes.
  const options = { cwd: built, env: { ...env, ...variables } };
  const child = endsWithRun(spawn(command, words, options));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const ended = once(child, "close").then(([exitCode, signal]) => ({ exitCode, signal, output }));
  return { child, output: () => output, ended };
}

/** Makes a certificate that signs itself, and is valid for so many days from now on. */
function makeCertificate(host: string, days: number) {
  const openssl = (words: string[]) => {
    const { status, stderr } = spawnSync("openssl", words, { cwd: built });
    expect(status, String(stderr)).toBe(0);
  };
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const signed = ["-in", "csr.pem", "-signkey", "key.pem", "-copy_extensions", "copy"];
  const files = ["-keyout", "key.pem", "-out", "csr.pem"];
  openssl(["req", "-new", "-newkey", "rsa:2048", "-nodes", ...subject, ...files]);
  openssl(["x509", "-req", ...signed, "-days", String(days), "-out", "cert.pem"]);
  return { key: readFileSync(join(built, "key.pem")), cert: readFileSync(join(built, "cert.pem")) };
}

/** Returns a folder of settings by which Mono trusts one certificate. */
function trustOnly(cert: Buffer): string {
  const settings = mkdtempSync(join(built, "settings-"));
  const trusted = join(settings, ".mono/new-certs/Trust");
  mkdirSync(trusted, { recursive: true });
  const words = ["x509", "-noout", "-hash"];
  const { stdout } = spawnSync("openssl", words, { input: cert, encoding: "utf8" });
  writeFileSync(join(trusted, `${stdout.trim()}.0`), cert);
  return settings;
}

function compile(): string {
  const documented = ["-target:library", `-doc:${join(built, "LicenseSession.xml")}`];
  return (
    mcs([...documented, `-out:${library}`, ...sources("clients/csharp")]) ||
    mcs(["-debug", `-r:${library}`, `-out:${tests}`, ...sources("test/clients/csharp")])
  );
}

/** Returns what the compiler complains of. */
function mcs(words: string[]): string {
  const strict = ["-langversion:5", "-warn:4", "-warnaserror", "-r:System.Numerics.dll"];
  const { error, stdout, stderr } = spawnSync("mcs", [...strict, ...words], { encoding: "utf8" });
  return error?.message ?? (stdout + stderr).trim();
}

function sources(folder: string): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".cs"));
  return names.map((name) => join(root, folder, name));
}

function runTests(): Promise<z.infer<typeof outcomeSchema>[]> {
  return new Promise((resolve) => {
    const words = ["--debug", tests, root];
    const child = execFile("mono", words, { cwd: built, maxBuffer: 1e8 }, (_, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const read = lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
      const hasEnded = child.exitCode === (read.some((one) => one.outcome === "failed") ? 1 : 0);
      const end = { group: "Program", name: "ran to the end", detail: stderr } as const;
      resolve([...read, { ...end, outcome: hasEnded ? "passed" : "failed" }]);
    });
    endsWithRun(child);
  });
}
