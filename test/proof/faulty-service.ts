import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { vi } from "vitest";
import { createClient } from "../../lambdas/store/dynamodb-client.ts";
import { clientFor, startDynalite } from "../support/engines.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { startWireClock, type WireClock } from "../support/wire-clock.ts";
import { type ProofEngine, watched } from "./proof-engine.ts";

/** One engine seen twice: through the proxy by the client of the functions, and past it. */
export type FaultyService = {
  proxy: FaultProxy;
  /** What the timeouts of the functions and of their client go by. It runs until the end. */
  clock: Pick<WireClock, "nowMs" | "wait">;
  /** As a function that has just started: a client whose budget of retries is used up has none. */
  throughProxy(): ProofEngine;
  pastProxy: ProofEngine;
  stop(): Promise<void>;
};

export async function startFaultyService(): Promise<FaultyService> {
  const engine = await startDynalite();
  const clock = await startWireClock();
  const over = Promise.withResolvers<void>();
  const running = clock.until(over.promise);
  const documents = DynamoDBDocumentClient.from(clientFor(engine.endpoint));
  const proxy = await startFaultProxy(engine.endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  return {
    proxy,
    clock,
    throughProxy() {
      const functionsClient = createClient(Date.now);
      return watched({
        ...engine,
        client: documents,
        functionsClient,
        stop: async () => functionsClient.destroy(),
      });
    },
    pastProxy: watched({ ...engine, client: documents, functionsClient: documents }),
    async stop() {
      vi.unstubAllEnvs();
      await proxy.stop();
      await engine.stop();
      over.resolve();
      await running;
      await clock.stop();
    },
  };
}
