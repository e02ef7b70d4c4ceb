import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { LicenseSessionsStack } from "./license-sessions-stack.ts";
import { readSettings } from "./settings.ts";

const app = new App();
new LicenseSessionsStack(app, "LicenseSessions", readSettings(app.node));
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
