import { readFileSync } from "node:fs";
import { knownBugs } from "./simulation/known-bugs.ts";
import { runWorld } from "./simulation/run-world.ts";
import { loadSources } from "./simulation/sources.ts";
const [most = "150", restless = "no", ...names] = process.argv.slice(2);
const left = new Map<string, any>();
for (const name of names) left.set(name, await loadSources(name));
for (let seed = 1; seed <= Number(most); seed++)
  for (const [name, sources] of left) {
    const { several, rule } = knownBugs[name]!;
    const { violation } = await runWorld({ seed, sources, restless: restless === "yes", several });
    if (!violation) continue;
    process.stdout.write(`${name}: seed ${seed} ${restless === "yes" ? "RESTLESS" : ""} ${violation.rule === rule ? "" : `OTHER ${violation.rule}: ${violation.what.slice(0, 80)}`}\n`);
    if (violation.rule === rule) left.delete(name);
  }
process.stdout.write(`end ${[...left.keys()]}\n`);
