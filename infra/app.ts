import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { commitOfCheckout } from "./commit-of-checkout.ts";
import { asksForEdge, EdgeStack } from "./edge-stack.ts";
import { LicenseSessionsStack } from "./license-sessions-stack.ts";
import { readStackSettings } from "./stack-settings.ts";

const app = new App();
const settings = readStackSettings(app.node);
if (settings.valid) {
  const commit = commitOfCheckout(import.meta.dirname);
  new LicenseSessionsStack(app, "LicenseSessions", settings.settings, commit);
  if (asksForEdge(settings.settings)) {
    new EdgeStack(app, "LicenseSessionsEdge", settings.settings);
  }
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} else {
  console.error(settings.complaint);
  process.exitCode = 1;
}
