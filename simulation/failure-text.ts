import { runWorld, type World, type WorldResult } from "./run-world.ts";
import { shrinkWorld } from "./shrink.ts";
import { seconds } from "./simulated-service.ts";
import { type TimelineEntry, timelineText } from "./timeline-text.ts";

const mostShrinkingRuns = 600;

/** Describes a failing world: what broke, the fewest faults that cause it, and a timeline. */
export async function failureText(world: World, failing: WorldResult): Promise<string> {
  const allowed = await shrinkWorld(world, failing, mostShrinkingRuns);
  const entries: TimelineEntry[] = [];
  const { violation } = await runWorld({
    ...world,
    allowed,
    onEntry: (entry) => entries.push(entry),
  });
  if (!violation) throw new Error(`The world of seed ${world.seed} is not the same twice`);
  const steps = [...allowed].sort().map((name) => `  ${name}\n`);
  return [
    `Counterexample of seed ${world.seed}: ${violation.rule}\n`,
    `At ${seconds(violation.atMs)}: ${violation.what}\n\n`,
    `What it takes (${steps.length} of ${failing.departures.length} departures):\n`,
    ...steps,
    `\n${timelineText(entries)}`,
  ].join("");
}
