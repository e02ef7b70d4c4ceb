import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { buildBareBundle } from "../../bench/bare-bundle.ts";
import { bundleFunction, lambdasFolder } from "../../infra/bundle-function.ts";
import { lapseEventsEntry } from "../../infra/lapse-events.ts";
import { routes } from "../../infra/routes.ts";
import { tempFolder } from "../local/support/temp-folder.ts";

test.for(Object.values(routes).map(({ entry }) => entry))(
  "%s, gzipped, is smaller than the bare SDK call that any bundler makes",
  async (entry) => {
    const folder = await tempFolder();
    const bare = join(folder, "bare.cjs");
    const ours = join(folder, "ours.cjs");
    buildBareBundle(bare);
    bundleFunction(join(lambdasFolder, entry), ours);
    // 0.78 today; the promise of 1.15 leaves no room for the SDK's credential chain to come back.
    expect(gzippedBytes(ours) / gzippedBytes(bare)).toBeLessThan(0.85);
  },
);

test("the function that reports lapsed sessions starts from its bundle alone", async () => {
  const folder = await tempFolder();
  const bundle = join(folder, "index.cjs");
  bundleFunction(join(lambdasFolder, lapseEventsEntry), bundle);
  const { status, stdout } = spawnSync(
    process.execPath,
    ["-p", `typeof require(${JSON.stringify(bundle)}).handler`],
    {
      cwd: folder,
      env: { TABLE_NAME: "Sessions", EVENT_BUS_NAME: "bus", AWS_REGION: "eu-central-1" },
      encoding: "utf8",
    },
  );
  expect([status, stdout.trim()]).toEqual([0, "function"]);
});

function gzippedBytes(file: string): number {
  return gzipSync(readFileSync(file)).length;
}
