import { Duration } from "aws-cdk-lib";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import type { Route } from "./routes.ts";
import { secretReference } from "./secret-reference.ts";
import { ServiceFunction } from "./service-function.ts";
import type { StackSettings } from "./stack-settings.ts";

type RouteFunctionProps = {
  route: Route;
  table: TableV2;
  settings: StackSettings;
};

/** The function of one route. */
export class RouteFunction extends ServiceFunction {
  readonly route: Route;

  constructor(scope: Construct, { route, table, settings }: RouteFunctionProps) {
    super(scope, route.id, {
      entry: route.entry,
      table,
      tableActions: route.tableActions,
      // The function itself answers 500 earlier (`answerWithinMs` in `lambdas/http/handle-request.ts`).
      timeout: Duration.seconds(5),
      logRetentionDays: settings.logRetentionDays,
      environment: environmentOf(settings),
    });
    this.route = route;
  }
}

function environmentOf(settings: StackSettings): Record<string, string> {
  const { signingSecretArn, edgeOnly, originSecretArn } = settings;
  return {
    SESSION_TIMEOUT_SECONDS: String(settings.sessionTimeoutSeconds),
    MULTI_SYMBOL_SESSIONS: String(settings.multiSymbolSessions),
    LEGACY_BOTS: String(settings.legacyBots),
    ...(signingSecretArn !== undefined && {
      SIGNING_KEYS: secretReference(signingSecretArn, settings.signingSecretVersionId),
    }),
    // The function itself refuses what did not come through CloudFront: an authorizer can only
    // answer 401 or 403, and either ends a legacy bot.
    ...(edgeOnly &&
      originSecretArn !== undefined && {
        ORIGIN_SECRETS: secretReference(originSecretArn, settings.originSecretVersionId, "accept"),
      }),
  };
}
