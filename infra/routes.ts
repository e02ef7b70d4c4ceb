/** What the stack knows of a route. All of it is here: a new route is a new entry of `routes`. */
export type Route = {
  /** The construct's id, and the beginning of the names of the route's metrics and alarms. */
  id: string;
  path: string;
  /** The file of `lambdas/` that is bundled for it. */
  entry: string;
  /** The only actions its function is allowed on the table. */
  tableActions: readonly string[];
  /** What API Gateway admits, by settings such as `claimsPerSecond`. It answers the rest with 429. */
  throttle: "claims" | "heartbeats" | "releases";
  /** How many answers of `internal_error` within 5 minutes set off an alarm. */
  internalErrorsAlarmFrom: number;
};

export type RouteName = keyof typeof routes;

export const routes = {
  claim: {
    id: "Validate",
    path: "/api/validate-license",
    entry: "claim-handler.ts",
    tableActions: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
    throttle: "claims",
    // A failed claim may keep a bot from starting.
    internalErrorsAlarmFrom: 1,
  },
  heartbeat: {
    id: "Heartbeat",
    path: "/api/heartbeat",
    entry: "heartbeat-handler.ts",
    tableActions: ["dynamodb:UpdateItem"],
    throttle: "heartbeats",
    // Bots retry a failed heartbeat, and have time for it.
    internalErrorsAlarmFrom: 5,
  },
  release: {
    id: "Release",
    path: "/api/session/release",
    entry: "release-handler.ts",
    tableActions: ["dynamodb:UpdateItem"],
    throttle: "releases",
    internalErrorsAlarmFrom: 1,
  },
} as const satisfies Record<string, Route>;
