import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { defaultSettings } from "../support/default-settings.ts";

let touched = 0;
const service: Service = {
  settings: defaultSettings,
  table: {
    forRequest: () => ({
      async get() {
        touched++;
        return undefined;
      },
      async update() {
        touched++;
        return { applied: false, seen: undefined };
      },
    }),
  },
  now: () => 0,
};

/** The functions on a table that has no license. */
export const handlers = {
  validate: claimHandler(service),
  heartbeat: heartbeatHandler(service),
  release: releaseHandler(service),
};

/** How often they have touched the table since the last time this was asked. */
export function takeTouches(): number {
  const taken = touched;
  touched = 0;
  return taken;
}
