import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What the console serves besides its answers, by path. */
export type PageFiles = Record<string, { type: string; text: string }>;

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>License sessions</title>
<link rel="stylesheet" href="/page.css">
<link rel="icon" href="/icon.svg">
</head>
<body><div id="app"></div><script type="module" src="/page.js"></script></body>
</html>
`;

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f5fbf"/><rect x="3" y="5" width="7" height="2" fill="#fff"/><rect x="6" y="9" width="7" height="2" fill="#fff"/></svg>';

/** The page: from a package as prepack has bundled it; in a checkout bundled now. */
export async function pageFiles(): Promise<PageFiles> {
  const { js, css } = packed() ?? (await bundled());
  return {
    "/": { type: "text/html; charset=utf-8", text: html },
    "/page.js": { type: "text/javascript; charset=utf-8", text: js },
    "/page.css": { type: "text/css; charset=utf-8", text: css },
    "/icon.svg": { type: "image/svg+xml", text: icon },
  };
}

type Bundle = { js: string; css: string };

function packed(): Bundle | undefined {
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  if (!existsSync(file("console-page.js"))) return undefined;
  return {
    js: readFileSync(file("console-page.js"), "utf8"),
    css: readFileSync(file("console-page.css"), "utf8"),
  };
}

async function bundled(): Promise<Bundle> {
  const { buildPage } = await import("./build-page.ts");
  return buildPage();
}
