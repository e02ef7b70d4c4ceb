import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, platform } from "node:process";
import { afterAll, afterEach, describe, expect, test } from "vitest";
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

type Service = Awaited<ReturnType<typeof startFakeService>>;

describe.skipIf(!hasMono)("a program in C#", () => {
  let service: Service;
  afterEach(() => service.stop());

  test.for([
    ["ends", 3],
    ["exits on another thread", 4],
  ] as const)("that %s releases its session", async ([name, exitCode]) => {
    service = await startFakeService();
    expect(await run(name).ended).toMatchObject({ exitCode });
    expect(service.asked).toEqual(["/api/validate-license", "/api/session/release"]);
  });

  test("that is told not to release when it ends leaves the session", async () => {
    service = await startFakeService();
    expect(await run("ends without releasing").ended).toMatchObject({ exitCode: 0 });
    expect(service.asked).toEqual(["/api/validate-license"]);
  });

  test("that has lost track of its session releases it, with a warning", async () => {
    service = await startFakeService();
    const { child, output, ended } = run("loses it");
    await service.wasAsked("/api/session/release");
    child.kill("SIGKILL");
    await ended;
    expect(output()).toContain("released, because nothing refers to its Session any more");
  });

  // Mono hears of Ctrl-C at a terminal only, which `script` is on Linux.
  describe.skipIf(platform !== "linux")("at a terminal", () => {
    test("releases its session at Ctrl-C, and ends", async () => {
      service = await startFakeService();
      await ctrlC("waits");
      expect(service.asked).toEqual(["/api/validate-license", "/api/session/release"]);
    });

    test("that handles Ctrl-C itself holds its session until it ends", async () => {
      service = await startFakeService();
      expect(await ctrlC("cleans up")).toContain("closing positions");
      expect(service.asked.at(-1)).toBe("/api/session/release");
    });
  });

  test("meets a certificate that it does not trust: that is said at once, and nothing is sent", async () => {
    service = await startFakeService();
    const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
    const files = { key: join(built, "key.pem"), cert: join(built, "cert.pem") };
    spawnSync("openssl", [...words, "-keyout", files.key, "-out", files.cert]);
    const server = createServer(
      { key: readFileSync(files.key), cert: readFileSync(files.cert) },
      () => service.asked.push("a request without trust"),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const { ended, output } = run("opens", `https://localhost:${port}`);
    expect(await ended).toMatchObject({ exitCode: 0 });
    server.close();
    expect(output()).toContain("the server's certificate or TLS is not accepted");
    expect(service.asked).toEqual([]);
  });

  function run(name: string, url = service.url) {
    return start("mono", ["--debug", tests, "--program", name, url]);
  }

  /** Presses Ctrl-C once the program says that its session is open; returns what it prints. */
  async function ctrlC(name: string): Promise<string> {
    const command = `stty -echo; mono ${tests} --program '${name}' ${service.url}`;
    const { child, ended, output } = start("script", ["-qfec", command, "/dev/null"]);
    child.stdout.on("data", () => {
      if (/open\r?\n/.test(output())) child.stdin.write("\x03");
    });
    await ended;
    return output();
  }
});

function start(command: string, words: string[]) {
  const child = endsWithRun(spawn(command, words));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const ended = once(child, "close").then(([exitCode, signal]) => ({ exitCode, signal, output }));
  return { child, output: () => output, ended };
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
    const child = execFile("mono", words, { maxBuffer: 1e8 }, (_, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const read = lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
      const hasEnded = child.exitCode === (read.some((one) => one.outcome === "failed") ? 1 : 0);
      const end = { group: "Program", name: "ran to the end", detail: stderr } as const;
      resolve([...read, { ...end, outcome: hasEnded ? "passed" : "failed" }]);
    });
    endsWithRun(child);
  });
}
