import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { vi } from "vitest";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import { createClient, type TableClient } from "../../lambdas/store/dynamodb-client.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { defaultSettings } from "../support/default-settings.ts";
import { clientFor, startDynalite } from "../support/engines.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { startWireClock, type WireClock } from "../support/wire-clock.ts";

export type Answer = { status: number; body: Record<string, unknown> };

/** The real functions: each request has the same time. */
type Functions = {
  ask(route: "claim" | "heartbeat" | "release", fields: object): Promise<Answer>;
};

/** One engine seen twice: through the proxy by the client of the functions, and past it. */
export type FaultyService = {
  proxy: FaultProxy;
  /** What the timeouts of the functions and of their client go by. It runs until the end. */
  clock: Pick<WireClock, "nowMs" | "wait">;
  engine: DynamoDBClient;
  tableName: string;
  /** As functions that have just started: a client whose budget of retries is used up has none. */
  throughProxy(nowMs: number): Functions & { stop(): void };
  pastProxy(nowMs: number): Functions;
  stop(): Promise<void>;
};

export async function startFaultyService(): Promise<FaultyService> {
  const { endpoint, tableName, stop } = await startDynalite();
  const clock = await startWireClock();
  const over = Promise.withResolvers<void>();
  const running = clock.until(over.promise);
  const engine = clientFor(endpoint);
  const proxy = await startFaultProxy(endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  return {
    proxy,
    clock,
    engine,
    tableName,
    throughProxy(nowMs) {
      const client = createClient(Date.now);
      return { ...functionsOn(client, tableName, nowMs), stop: () => client.destroy() };
    },
    pastProxy: (nowMs) => functionsOn(engine, tableName, nowMs),
    async stop() {
      vi.unstubAllEnvs();
      engine.destroy();
      await proxy.stop();
      await stop();
      over.resolve();
      await running;
      await clock.stop();
    },
  };
}

function functionsOn(client: TableClient, tableName: string, nowMs: number): Functions {
  const table = openTable({ client, tableName });
  const service = { settings: defaultSettings, table, now: () => nowMs };
  const handlers = {
    claim: claimHandler(service),
    heartbeat: heartbeatHandler(service),
    release: releaseHandler(service),
  };
  return {
    async ask(route, fields) {
      const { statusCode = 0, body = "{}" } = await handlers[route](
        {
          body: JSON.stringify(fields),
          isBase64Encoded: false,
          requestContext: { timeEpoch: nowMs },
        },
        { awsRequestId: "request" },
      );
      return { status: statusCode, body: JSON.parse(body) };
    },
  };
}
