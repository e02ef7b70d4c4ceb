import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { buildSync } from "esbuild";

const root = join(import.meta.dirname, "..");
export const lambdasFolder = join(root, "lambdas");

/**
 * Bundles a program for Lambda's Node.js 24 with everything it imports, including the SDK. The
 * map beside it is for the stack traces in the log (see `lambdas/http/stack-in-source.ts`).
 *
 * The format is CommonJS. An ES module that imports `node:http` evaluates all of its exports, and
 * one of them loads all of Node's `fetch`.
 *
 * @param entryPoint absolute path of a module
 * @param outfile ends in `.cjs`
 * @throws the errors of esbuild
 */
export function bundleFunction(entryPoint: string, outfile: string): void {
  buildSync({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node24",
    // Turns `import("node:http")` into `require`, to avoid the cost described above.
    supported: { "dynamic-import": false },
    // Tree shaking works on the SDK's ES modules but not on its CommonJS.
    mainFields: ["module", "main"],
    alias: {
      // The SDK imports this but never calls it in a function. It would be half of the bundle.
      "@aws-sdk/credential-provider-node": join(lambdasFolder, "credential-chain.ts"),
      "@aws-sdk/middleware-endpoint-discovery": join(lambdasFolder, "endpoint-discovery.ts"),
    },
    // Only operations that stream events load this, and DynamoDB has none. Bundled, it would
    // prevent the tree shaking of the rest.
    external: ["@smithy/core/event-streams"],
    minify: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "warning",
  });
  nameSourcesFromRoot(`${outfile}.map`);
}

/** So that one commit has one bundle, whatever folder it is bundled in. */
function nameSourcesFromRoot(mapFile: string): void {
  const map: { sources: string[] } = JSON.parse(readFileSync(mapFile, "utf8"));
  const fromRoot = (source: string) => relative(root, resolve(dirname(mapFile), source));
  writeFileSync(mapFile, JSON.stringify({ ...map, sources: map.sources.map(fromRoot) }));
}
