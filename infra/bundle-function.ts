import { join } from "node:path";
import { buildSync } from "esbuild";

export const lambdasFolder = join(import.meta.dirname, "..", "lambdas");

/**
 * Bundles a program for Lambda's Node.js 24 with all that it imports, the SDK included. Names stay
 * as they are, so that a stack trace can be read.
 *
 * It is CommonJS, because importing `node:http` into an ES module evaluates its every export, and
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
    // Else `import("node:http")` stays one, with the cost named above.
    supported: { "dynamic-import": false },
    // The SDK's ES modules can be shaken, its CommonJS can't.
    mainFields: ["module", "main"],
    alias: {
      // The SDK imports this always and, in a function, calls it never: half of the bundle.
      "@aws-sdk/credential-provider-node": join(lambdasFolder, "credential-chain.ts"),
    },
    // Loaded by operations that stream events; DynamoDB has none. Inside, it would keep the rest
    // from being shaken.
    external: ["@smithy/core/event-streams"],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
  });
}
