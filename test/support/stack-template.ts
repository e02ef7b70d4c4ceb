import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { LicenseSessionsStack } from "../../infra/license-sessions-stack.ts";
import { readStackSettings } from "../../infra/stack-settings.ts";

/** The stack as CDK writes it for the given context, without the functions' bundles. */
export function stackTemplate(context: Record<string, unknown> = {}): Template {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [], ...context } });
  const read = readStackSettings(app.node);
  if (!read.valid) throw new Error(read.complaint);
  return Template.fromStack(new LicenseSessionsStack(app, "LicenseSessions", read.settings));
}
