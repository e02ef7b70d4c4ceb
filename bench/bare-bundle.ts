import { join } from "node:path";
import { buildSync } from "esbuild";

/**
 * Bundles the bare call, as the baseline: as small as esbuild makes it without Lambda-specific
 * tricks, and in the format that starts faster.
 */
export function buildBareBundle(outfile: string): void {
  buildSync({
    entryPoints: [join(import.meta.dirname, "programs", "bare.ts")],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node24",
    supported: { "dynamic-import": false },
    mainFields: ["module", "main"],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
  });
}
