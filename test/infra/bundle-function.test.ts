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
    // 0.62 today: neither the SDK's credential chain nor names that aren't minified may come back.
    expect(gzippedBytes(ours) / gzippedBytes(bare)).toBeLessThan(0.68);
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

test("the log of a failure names the files and lines of the source, not of the bundle", async () => {
  const folder = await tempFolder();
  const bundle = join(folder, "index.cjs");
  bundleFunction(join(lambdasFolder, routes.heartbeat.entry), bundle);
  const { stdout } = spawnSync(
    process.execPath,
    [
      "-e",
      `console.error = ({ error }) => console.log(error.stack);
       require(${JSON.stringify(bundle)}).handler({ body: "{}" }, { awsRequestId: "request-1" });`,
    ],
    {
      cwd: folder,
      env: {
        TABLE_NAME: "Sessions",
        SESSION_TIMEOUT_SECONDS: "60",
        MULTI_SYMBOL_SESSIONS: "true",
        ORIGIN_SECRETS: "that the request has not",
        AWS_REGION: "eu-central-1",
      },
      encoding: "utf8",
    },
  );
  const [, file = "", line] = /^ +at (\S+):(\d+):\d+$/m.exec(stdout) ?? [];
  expect(file).toMatch(/^lambdas\//);
  const source = readFileSync(join(lambdasFolder, "..", file), "utf8").split("\n");
  expect(source[Number(line) - 1]).toContain('new Error("Not through CloudFront")');
});

function gzippedBytes(file: string): number {
  return gzipSync(readFileSync(file)).length;
}
