import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";

const place = /at (?:async )?(?:[^\n()]+ \()?([^\n()]+\.cjs):(\d+):(\d+)\)?/g;

/**
 * The stack of an error with the files, lines and columns of the source, because names in a bundle
 * are minified. The map beside the bundle is read when something failed: Node's own
 * `--enable-source-maps` reads it at each cold start, which is then 8 ms slower.
 */
export function stackInSource(stack: string): string {
  return stack.replace(place, (frame, bundle: string, line: string, column: string) => {
    const entry = mapOf(bundle)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !("originalSource" in entry)) return frame;
    return `at ${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

const maps = new Map<string, SourceMap>();

function mapOf(bundle: string): SourceMap | undefined {
  const file = `${bundle}.map`;
  if (!maps.has(file) && existsSync(file)) {
    maps.set(file, new SourceMap(JSON.parse(readFileSync(file, "utf8"))));
  }
  return maps.get(file);
}
