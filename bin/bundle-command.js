// Makes dist/license-sessions.js, the administration command in one file, for a package (npm pack),
// and beside it the page of its console.
import { mkdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { buildPage } from "../ops/console/build-page.ts";

await build({
  entryPoints: ["ops/program.ts"],
  outfile: "dist/license-sessions.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  // A package brings the page in a bundle, and never makes one.
  external: ["esbuild"],
  banner: {
    js: [
      // Packages in CommonJS ask for Node's own modules by require.
      'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      // The SDK warns on Node.js 20 of its own later versions; the one in here stays as it is.
      'process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";',
    ].join("\n"),
  },
});

const { js, css } = await buildPage();
await mkdir("dist", { recursive: true });
await writeFile("dist/console-page.js", js);
await writeFile("dist/console-page.css", css);
