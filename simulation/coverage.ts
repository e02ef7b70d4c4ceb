import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname, "..");

/** The rules of the service, and what decides in the client. */
const looksAt =
  /\/(lambdas\/(rules|legacy|routes|lapses)\/[\w-]+|clients\/typescript\/(answers|claim-session|claiming-state|keep-session|keeping-state|release-session|timing|reporter))\.ts$/;

/**
 * Measures, with V8's coverage, which blocks of the code under test the work runs.
 *
 * @returns a line for each file, and one for each block that was never run
 */
export async function withCoverage(work: () => Promise<void>): Promise<string> {
  const inspector = new Session();
  inspector.connect();
  await inspector.post("Profiler.enable");
  await inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  await work();
  const { result } = await inspector.post("Profiler.takePreciseCoverage");
  inspector.disconnect();
  const files = result
    .filter(({ url }) => looksAt.test(url))
    .map(({ url, functions }) => {
      const file = fileURLToPath(url);
      const ranges = functions.flatMap((each) => each.ranges);
      return { file, all: ranges.length, never: ranges.filter(({ count }) => count === 0) };
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  const lines = files.map(({ file, all, never }) => {
    const source = readFileSync(file, "utf8");
    const missed = never.map(({ startOffset, endOffset }) => {
      const line = source.slice(0, startOffset).split("\n").length;
      const text = source.slice(startOffset, endOffset).replaceAll(/\s+/g, " ").trim();
      return `             never: line ${line}  ${text.slice(0, 70)}\n`;
    });
    const share = `${all - never.length} of ${all}`;
    return `${share.padStart(10)}  ${relative(root, file)}\n${missed.join("")}`;
  });
  return `\nBlocks that were run, by file\n${lines.join("")}`;
}
