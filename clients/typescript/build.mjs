// Builds the package into dist/: `npm pack` does it, with the tools of this repository.
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
// The package is of type module: what `require` gets says of itself that it is not.
writeFileSync(join(dist, "commonjs/package.json"), '{ "type": "commonjs" }\n');
// The compiler rewrites the names of imported files in code alone, not in declarations.
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

/** By its path: another version of TypeScript that is installed beside it may own the command. */
function compile(project) {
  const compiler = join(folder, "../../node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(folder, project)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
