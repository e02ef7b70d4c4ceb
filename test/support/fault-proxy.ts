import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** What may happen to a request to the engine or to its answer. */
export type Fault = keyof typeof faults;

/** A proxy between the SDK and an engine that injects the faults that a test plans. */
export type FaultProxy = {
  endpoint: string;
  /** Plans faults for the next requests for a license, in order. Later requests pass. */
  plan(licenseId: string, next: Fault[]): void;
  /** When the first planned fault of a license has run its course. */
  firstFaultOver(licenseId: string): Promise<void>;
  /** Holds back the next request for a license, while its sender sees a broken connection. */
  holdNext(licenseId: string): { deliver(): Promise<void> };
  /** How many faults were injected so far, by kind and by attempt of the SDK (1, 2, 3). */
  spoiled: Map<Fault, Map<number, number>>;
  stop(): Promise<void>;
};

type Sent = { method: string; headers: IncomingMessage["headers"]; body: Buffer };
type Received = { status: number; headers: IncomingMessage["headers"]; body: Buffer };
type Wire = { forward(): Promise<Received>; response: ServerResponse };

/** Longer than the SDK waits for an answer. */
const tooLateMs = 1_200;

const faults = {
  "connection reset before it arrives": async ({ response }: Wire) => reset(response),
  "connection reset after it was applied": async ({ forward, response }: Wire) => {
    await forward();
    reset(response);
  },
  "500 before it is applied": async ({ response }: Wire) =>
    refuse(response, 500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
  "500 after it was applied": async ({ forward, response }: Wire) => {
    await forward();
    refuse(response, 500, "com.amazonaws.dynamodb.v20120810#InternalServerError");
  },
  throttled: async ({ response }: Wire) =>
    refuse(
      response,
      400,
      "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    ),
  "table missing": async ({ response }: Wire) =>
    refuse(response, 400, "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"),
  "garbage instead of an answer": async ({ response }: Wire) => garbage(response),
  "garbage after it was applied": async ({ forward, response }: Wire) => {
    await forward();
    garbage(response);
  },
  "half an answer": async ({ forward, response }: Wire) => {
    const { status, headers, body } = await forward();
    response.writeHead(status, headers);
    response.write(body.subarray(0, body.length / 2), () => reset(response));
  },
  "delivered twice, the first answer counts": async ({ forward, response }: Wire) => {
    const first = await forward();
    await forward();
    answer(response, first);
  },
  "delivered twice, the second answer counts": async ({ forward, response }: Wire) => {
    await forward();
    answer(response, await forward());
  },
  "request lost": async () => {},
  "answer lost": async ({ forward }: Wire) => {
    await forward();
  },
  "answer too late": async ({ forward, response }: Wire) => {
    const received = await forward();
    await wait(tooLateMs);
    answer(response, received);
  },
  "answer byte by byte": async ({ forward, response }: Wire) => {
    const { status, headers, body } = await forward();
    response.writeHead(status, headers);
    for (const byte of body) {
      if (response.destroyed) return;
      response.write(Buffer.of(byte));
      await wait(50);
    }
    response.end();
  },
};

export const slowFaults: readonly Fault[] = [
  "request lost",
  "answer lost",
  "answer too late",
  "answer byte by byte",
];
export const fastFaults = Object.keys(faults).filter(
  (name): name is Fault => !slowFaults.some((slow) => slow === name),
);

export async function startFaultProxy(engineEndpoint: string): Promise<FaultProxy> {
  const plans = new Map<string, Fault[]>();
  const firstFaults = new Map<string, PromiseWithResolvers<void>>();
  const held = new Map<string, PromiseWithResolvers<() => Promise<Received>>>();
  const spoiled: FaultProxy["spoiled"] = new Map();
  // Not kept alive: the engine might close a connection just as it is used again.
  const agent = new Agent({ keepAlive: false });

  // The proxy keeps idle connections open, because closing one would be an unplanned fault.
  const server = createServer({ keepAliveTimeout: 0 }, (incoming, response) => {
    response.on("error", () => {});
    // The engine itself may break off: so does the proxy then.
    serve(incoming, response).catch(() => reset(response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await readRequest(incoming).catch(() => undefined);
    if (!sent) return;
    const forward = () => send(engineEndpoint, agent, sent);
    const licenseId = licenseIdIn(sent.body);
    const hold = held.get(licenseId);
    if (hold) {
      held.delete(licenseId);
      hold.resolve(forward);
      return reset(response);
    }
    const fault = plans.get(licenseId)?.shift();
    if (!fault) return answer(response, await forward());
    const attempt = attemptIn(sent.headers);
    const ofFault = spoiled.get(fault) ?? new Map<number, number>();
    spoiled.set(fault, ofFault.set(attempt, (ofFault.get(attempt) ?? 0) + 1));
    await faults[fault]({ forward, response });
    firstFaults.get(licenseId)?.resolve();
  }

  return {
    endpoint: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    plan(licenseId, next) {
      plans.set(licenseId, [...next]);
      firstFaults.set(licenseId, Promise.withResolvers());
    },
    async firstFaultOver(licenseId) {
      await firstFaults.get(licenseId)?.promise;
    },
    holdNext(licenseId) {
      const hold = Promise.withResolvers<() => Promise<Received>>();
      held.set(licenseId, hold);
      return {
        async deliver() {
          await (await hold.promise)();
        },
      };
    },
    spoiled,
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, "close");
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<Sent> {
  const { method = "POST", headers } = incoming;
  return { method, headers, body: await readAll(incoming) };
}

async function send(endpoint: string, agent: Agent, { method, headers, body }: Sent) {
  const outgoing = request(endpoint, { method, headers, agent });
  outgoing.end(body);
  const [incoming]: [IncomingMessage] = (await once(outgoing, "response")) as [IncomingMessage];
  const received: Received = {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: await readAll(incoming),
  };
  return received;
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function licenseIdIn(body: Buffer): string {
  return /"license_id":\{"S":"([0-9a-f]{64})"/.exec(body.toString())?.[1] ?? "";
}

function attemptIn(headers: IncomingMessage["headers"]): number {
  return Number(/attempt=(\d+)/.exec(`${headers["amz-sdk-request"]}`)?.[1]);
}

function answer(response: ServerResponse, { status, headers, body }: Received): void {
  if (!response.destroyed) response.writeHead(status, headers).end(body);
}

function refuse(response: ServerResponse, status: number, type: string): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: type, message: "made by the proxy" }));
}

function garbage(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/x-amz-json-1.0" });
  response.end('{"Attributes":{"license_id":{"S":');
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** On the clock of `setTimeout`, whichever that is. */
function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
