import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Engine } from "./engines.ts";

/** One call that went to the engine, and the capacity units that it consumed. */
type MeteredCall = { operation: string; units: number };

type Verdict = "throttle" | "refuse" | "break off" | "lose the answer" | undefined;

const exceptions = {
  throttle: "ProvisionedThroughputExceededException",
  refuse: "ConditionalCheckFailedException",
};

type Judge = (operation: string, input: Record<string, unknown>) => Verdict;

/**
 * A proxy between a client and an engine that requests the consumed capacity of every call and adds
 * it up. It measures what actually goes over the wire, whichever client sends it.
 */
export async function startMeter(engine: Pick<Engine, "endpoint">) {
  const calls: MeteredCall[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  let judge: Judge = () => undefined;

  const server = createServer(async (request, response) => {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    try {
      const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
      const call: MeteredCall = { operation, units: 0 };
      calls.push(call);
      const text = await bodyOf(request);
      const verdict = judge(operation, JSON.parse(text));
      if (verdict === "break off") {
        request.socket.destroy();
        return;
      }
      if (verdict === "throttle" || verdict === "refuse") {
        const __type = `com.amazonaws.dynamodb.v20120810#${exceptions[verdict]}`;
        response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify({ __type, message: "not now" }));
        return;
      }
      const { host, connection, "content-length": length, ...headers } = request.headers;
      const answer = await fetch(engine.endpoint, {
        method: "POST",
        headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
        body: JSON.stringify({ ...JSON.parse(text), ReturnConsumedCapacity: "TOTAL" }),
      });
      const answered = await answer.text();
      if (verdict === "lose the answer") {
        request.socket.destroy();
        return;
      }
      const consumed = [JSON.parse(answered).ConsumedCapacity ?? []].flat();
      call.units = consumed.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(answered);
    } finally {
      atOnce -= 1;
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;

  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    get mostAtOnce() {
      return mostAtOnce;
    },
    /** Called with each call before it goes on; says what is to become of it. */
    onCall(next: Judge) {
      judge = next;
    },
    /** What went through since the last time this was asked. */
    take(): MeteredCall[] {
      return calls.splice(0);
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
