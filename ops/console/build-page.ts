import { fileURLToPath } from "node:url";

/** Bundles the page, for a browser of the last two years. Only in a checkout, which has esbuild. */
export async function buildPage(): Promise<{ js: string; css: string }> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page/page.tsx", import.meta.url))],
    outdir: "dist",
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2023",
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  const text = (ending: string) =>
    outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return { js: text(".js"), css: text(".css") };
}
