import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { editsOf, knownBugs } from "./known-bugs.ts";

const root = join(import.meta.dirname, "..");

export const putBackNames: readonly string[] = Object.keys(knownBugs);

/**
 * From now on, a module that is imported with `?put-back=NAME` is loaded with that fault, and so is
 * the code under test that it imports. Files on disk are not changed.
 */
export function allowPuttingBack(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const name = nameIn(context.parentURL);
      const isOurs = /\/(lambdas|clients|ops)\//.test(resolved.url);
      if (name === undefined || !isOurs || nameIn(resolved.url) !== undefined) return resolved;
      return { ...resolved, url: `${resolved.url}?put-back=${name}` };
    },
    load(url, context, next) {
      const bug = knownBugs[nameIn(url) ?? ""];
      if (!bug) return next(url, context);
      const file = fileURLToPath(url);
      const edits = editsOf(bug).filter((edit) => join(root, edit.file) === file);
      const source = edits.reduce(
        (text, { from, to }) => text.replace(from, () => to),
        readFileSync(file, "utf8"),
      );
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
}

function nameIn(url: string | undefined): string | undefined {
  return /[?&]put-back=([\w-]+)/.exec(url ?? "")?.[1];
}
