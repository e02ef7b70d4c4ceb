// Makes dist/license-sessions.js, the administration command in one file, for a package (npm pack).
import { build } from "esbuild";

await build({
  entryPoints: ["ops/program.ts"],
  outfile: "dist/license-sessions.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  // Packages in CommonJS ask for Node's own modules by require.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});
