// Examines what must pass (the program of docs/bots.md, our clients) and what must fail, each with its case: a naive
// program in C, and the page's program with one fault at a time. Beside `npm test`, as it takes minutes of real time.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { FindingKind } from "../../check-bot/findings.ts";
import { runCheckBot } from "../../check-bot/run-check-bot.ts";
import { mutants } from "./mutants.ts";

const here = import.meta.dirname;
const root = join(here, "../..");
const folder = mkdtempSync(join(tmpdir(), "check-bot-gate-"));
const source = readFileSync(join(here, "bots/from-the-page.py"), "utf8");
const wanted = process.argv.slice(2);
const failures: string[] = [];
let passed = 0;

type Outcome = { code: number; found: ReadonlyMap<string, readonly string[]>; text: string };

/** Runs check-bot; gives what it found in each case. */
async function checkBot(command: readonly string[], ...options: string[]): Promise<Outcome> {
  let text = "";
  const output = { write: (part: string) => (text += part) };
  const messages = { write: () => true };
  const code = await runCheckBot([...options, "--json", "--", ...command], { output, messages });
  const report: { cases?: { name: string; findings: { kind: string }[] }[] } = JSON.parse(
    text || "{}",
  );
  const found = new Map(
    report.cases?.map(({ name, findings }) => [name, findings.map(({ kind }) => kind)]),
  );
  return { code, found, text };
}

/** Names of what to examine may be given; without any, all of it is. */
function wants(name: string): boolean {
  return wanted.length === 0 || wanted.includes(name);
}

function tell(name: string, ok: boolean, why: string): void {
  console.log(`${ok ? "ok     " : "FAILED "} ${name}${ok ? "" : `: ${why}`}`);
  if (ok) passed += 1;
  else failures.push(name);
}

async function mustPass(name: string, command: readonly string[], ...options: string[]) {
  if (!wants(name)) return;
  const { code, text } = await checkBot(command, "--at-once", "4", ...options);
  tell(`${name} passes${options.includes("--only") ? "" : " every case"}`, code === 0, text);
}

async function mustFail(
  name: string,
  command: readonly string[],
  finds: Readonly<Record<string, FindingKind>>,
  ...options: string[]
) {
  const { found, text } = await checkBot(command, "--only", Object.keys(finds).join(), ...options);
  for (const [one, kind] of Object.entries(finds)) {
    tell(`${name} fails ${one} by ${kind}`, found.get(one)?.includes(kind) ?? false, text);
  }
}

function sourcesOf(path: string): string[] {
  const names = readdirSync(join(root, path)).filter((name) => name.endsWith(".cs"));
  return names.map((name) => join(root, path, name));
}

/** @returns whether the command could be run and did its work */
function build(command: string, ...words: string[]): boolean {
  const { status, error, stderr } = spawnSync(command, words, { encoding: "utf8" });
  if (status === 0) return true;
  tell(`${command} ${words.join(" ")}`, false, error?.message ?? stderr);
  return false;
}

/** A program may post its TRADE lines, or print its own clock and leave them in the buffer. */
async function mustBeHeard() {
  const line = 'print("TRADE", flush=True)';
  const ways = {
    posts: 'http.open(urllib.request.Request(os.environ["TRADE_URL"], b""), timeout=5).close()',
    buffers: 'print("TRADE", int(time.time() * 1000), flush=secrets.randbelow(20) == 0)',
  };
  for (const [name, way] of Object.entries(ways)) {
    const path = join(folder, `${name}.py`);
    writeFileSync(path, source.replace(line, way));
    await mustPass(name, ["python3", path], "--only", "ordinary-life,outage-long,taken");
  }
}

async function examineMutants() {
  const waiting = mutants.filter(({ name, finds }) =>
    ["mutants", name, ...Object.keys(finds)].some(wants),
  );
  const work = async (worker: number) => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { name, from, to, finds } = next;
      const path = join(folder, `mutant-${worker}.py`);
      const changed = source.replaceAll(from, () => to);
      const what = `a bot that ${name}`;
      writeFileSync(path, changed);
      if (changed !== source) await mustFail(what, ["python3", path], finds, "--at-once", "1");
      else tell(what, false, `from-the-page.py has no ${JSON.stringify(from)}`);
    }
  };
  await Promise.all([1, 2, 3, 4].map(work));
}

try {
  await mustPass("from-the-page", ["python3", join(here, "bots/from-the-page.py")]);

  const typescript = join(here, "bots/with-typescript-client.ts");
  const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
  await mustPass("with-typescript-client", [...node, typescript]);
  const modules = `PYTHONPATH=${join(root, "clients/python")}`;
  const python = join(here, "bots/with-python-client.py");
  await mustPass("with-python-client", ["env", modules, "python3", "-B", python]);
  if (wants("with-csharp-client")) {
    const csharp = join(folder, "with-csharp-client.exe");
    const sources = [join(here, "bots/WithCSharpClient.cs"), ...sourcesOf("clients/csharp")];
    if (build("mcs", "-r:System.Numerics.dll", `-out:${csharp}`, ...sources)) {
      // Mono raises neither event for a program without a terminal, so that no client can release there.
      await mustPass("with-csharp-client", ["mono", csharp], "--skip", "sigterm,ctrl-c");
    }
  }

  const inC = join(folder, "mql-style");
  if (wants("mql-style") && build("cc", "-O1", "-o", inC, join(here, "naive/mql-style.c"))) {
    await mustPass("mql-style", [inC], "--only", "ordinary-life");
    await mustFail("mql-style", [inC], {
      "claim-confirmed-at-third-attempt": "traded-without-right",
      "suspended-machine": "traded-without-right",
    });
  }
  await mustBeHeard();
  await examineMutants();
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
