import { readFileSync } from "node:fs";
import { knownBugs } from "./simulation/known-bugs.ts";
import { runWorld } from "./simulation/run-world.ts";
import { loadSources } from "./simulation/sources.ts";
const [most = "150", ...names] = process.argv.slice(2);
for (const [name, { edits, restless, several, rule }] of Object.entries(knownBugs)) {
  if (names.length && !names.includes(name)) continue;
  const bad = edits.filter(({ file, from }) => readFileSync(file, "utf8").split(from).length !== 2);
  if (bad.length) { process.stdout.write(`${name}: ADRIFT ${bad.map((b) => b.from)}\n`); continue; }
  const sources = await loadSources(name);
  const others = new Set<string>();
  let found = false;
  for (let seed = 1; seed <= Number(most) && !found; seed++) {
    const { violation } = await runWorld({ seed, sources, restless, several });
    if (violation?.rule === rule) { process.stdout.write(`${name}: seed ${seed}${others.size ? ` (before: ${[...others]})` : ""}\n`); found = true; }
    else if (violation) others.add(`${seed} ${violation.rule}: ${violation.what.slice(0, 60)}`);
  }
  if (!found) process.stdout.write(`${name}: NOT in ${most} (${[...others].slice(0, 4).join("; ")})\n`);
}
