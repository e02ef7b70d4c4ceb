import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { anchorsOf } from "../support/anchors.ts";

const root = join(import.meta.dirname, "../..");

test.for(globSync("{.,docs,clients/*}/*.md", { cwd: root }))(
  "every link of %s leads to a file that is there, and to a heading in it",
  (page) => {
    // What stands in a block of code is no link.
    const text = textOf(page).replaceAll(/^```.*?^```/gms, "");
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const dead = links.filter(([, path = "", anchor]) => {
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(textOf(target)).includes(anchor);
    });
    expect(dead.map(([link]) => link)).toEqual([]);
  },
);

function textOf(page: string): string {
  return readFileSync(join(root, page), "utf8");
}
