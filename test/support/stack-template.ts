import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { EdgeStack } from "../../infra/edge-stack.ts";
import { LicenseSessionsStack } from "../../infra/license-sessions-stack.ts";
import { readStackSettings } from "../../infra/stack-settings.ts";

/** What is made of an app with the given context, whose folder is gone afterwards. */
export function inApp<Result>(
  context: Record<string, unknown>,
  make: (app: App) => Result,
): Result {
  const outdir = mkdtempSync(join(tmpdir(), "license-sessions-cdk-"));
  try {
    return make(new App({ context: { "aws:cdk:bundling-stacks": [], ...context }, outdir }));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The stack as CDK writes it for the given context, without the functions' bundles. */
export function stackTemplate(context: Record<string, unknown> = {}): Template {
  return inApp(context, (app) => {
    const read = readStackSettings(app.node);
    if (!read.valid) throw new Error(read.complaint);
    return Template.fromStack(new LicenseSessionsStack(app, "LicenseSessions", read.settings));
  });
}

/** The stack of CloudFront as CDK writes it. */
export function edgeStackTemplate(props: ConstructorParameters<typeof EdgeStack>[2]): Template {
  return inApp({}, (app) => Template.fromStack(new EdgeStack(app, "LicenseSessionsEdge", props)));
}
