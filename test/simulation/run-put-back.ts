import { stdout } from "node:process";
import { failureText } from "../../simulation/failure-text.ts";
import { knownBugs } from "../../simulation/known-bugs.ts";
import { runWorld } from "../../simulation/run-world.ts";
import { loadSources } from "../../simulation/sources.ts";

/** Prints, for each fault, which promise its seed breaks; and the shrunk timeline of one, twice. */
const findings: Record<string, string | undefined> = {};
for (const [name, { seed, restless, several }] of Object.entries(knownBugs)) {
  const { violation } = await runWorld({
    seed,
    sources: await loadSources(name),
    restless,
    several,
  });
  findings[name] = violation?.rule;
}
const shown = "late-heartbeat";
const seed = knownBugs[shown]?.seed ?? 0;
const sources = await loadSources(shown);
const failing = await runWorld({ seed, sources });
const texts = [
  await failureText({ seed, sources }, failing),
  await failureText({ seed, sources }, failing),
];
stdout.write(JSON.stringify({ findings, texts }));
