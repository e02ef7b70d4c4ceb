#!/usr/bin/env node
// The administration command as a program of its own: in the project's folder (npm link) it runs the
// sources, by the Node.js that the project brings; from a package, the bundle that prepack made.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const source = path("ops/program.ts");

if (existsSync(source) && !existsSync(path("node_modules/commander"))) {
  process.stderr.write(`The packages of ${path("")} are missing: run npm ci there first.\n`);
  process.exitCode = 1;
} else if (existsSync(source)) {
  const own = path("node_modules/.bin/node");
  const words = ["--disable-warning=ExperimentalWarning", source, ...process.argv.slice(2)];
  const child = spawn(existsSync(own) ? own : process.execPath, words, { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; the child decides what becomes of it.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  await import("../dist/license-sessions.js");
}
