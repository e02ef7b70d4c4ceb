// Builds the package into dist/, with the tools of this repository. `npm pack` runs this.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { build } from "esbuild";

const folder = import.meta.dirname;
const dist = join(folder, "dist");

rmSync(dist, { recursive: true, force: true });
compile("tsconfig.json");
compile("tsconfig.commonjs.json");
// The package has type module, so the CommonJS build needs its own declaration to the contrary.
writeFileSync(join(dist, "commonjs/package.json"), '{ "type": "commonjs" }\n');
// The compiler rewrites import paths in code but not in declarations.
for (const declarations of globSync(join(dist, "*/*.d.ts"))) {
  const text = readFileSync(declarations, "utf8");
  writeFileSync(declarations, text.replaceAll(/(from "\.\/[\w-]+)\.ts"/g, '$1.js"'));
}
await build({
  entryPoints: [join(folder, "open-session.ts")],
  outfile: join(dist, "license-session.js"),
  bundle: true,
  format: "iife",
  globalName: "LicenseSession",
  target: "es2022",
  minify: true,
  sourcemap: true,
});

/** Runs the compiler by its path, because `tsc` may belong to another version of TypeScript. */
function compile(project) {
  const compiler = join(folder, "../../node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(folder, project)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
