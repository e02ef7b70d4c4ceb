import { stdout } from "node:process";
import { failureText } from "../../simulation/failure-text.ts";
import { knownBugs } from "../../simulation/known-bugs.ts";
import { runWorld } from "../../simulation/run-world.ts";
import { loadSources } from "../../simulation/sources.ts";

/** Prints, for each fault, which promise its seed breaks; and the shrunk timeline of one, twice. */
const findings: Record<string, string | undefined> = {};
const texts: string[] = [];
for (const [name, { seed, restless, several }] of Object.entries(knownBugs)) {
  const world = { seed, restless, several, sources: await loadSources(name) };
  const failing = await runWorld(world);
  findings[name] = failing.violation?.rule;
  if (name === "late-heartbeat")
    texts.push(await failureText(world, failing), await failureText(world, failing));
}
stdout.write(JSON.stringify({ findings, texts }));
