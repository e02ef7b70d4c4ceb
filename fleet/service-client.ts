import { Agent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import * as z from "zod";
import { CommandError } from "../ops/terminal/command-error.ts";

/**
 * An answer, with the times at which the request was sent and the answer arrived, by
 * `performance.now()`. Waiting for a free connection does not count: the request is sent after it.
 */
type TimedAnswer = {
  code: string;
  body: Record<string, unknown>;
  sentMs: number;
  answeredMs: number;
};

export type ServiceClient = ReturnType<typeof openServiceClient>;

/** How long bots wait for an answer. */
const giveUpAfterMs = 5_000;

const bodySchema = z.looseObject({ code: z.string().default("no_code") });

/** Sends requests as a bot does, and counts the answers. */
export function openServiceClient(baseUrl: string) {
  const isHttps = new URL(baseUrl).protocol === "https:";
  const agent = new (isHttps ? HttpsAgent : Agent)({ keepAlive: true, maxSockets: 200 });
  const counts = new Map<string, number>();
  let latenciesMs: number[] = [];

  async function ask(path: string, body: Record<string, unknown>): Promise<TimedAnswer> {
    let sentMs = performance.now();
    const answer = await post(new URL(path, baseUrl), agent, JSON.stringify(body), () => {
      sentMs = performance.now();
    }).catch(() => ({ code: "no_answer" }));
    const answeredMs = performance.now();
    counts.set(answer.code, (counts.get(answer.code) ?? 0) + 1);
    latenciesMs.push(answeredMs - sentMs);
    return { code: answer.code, body: answer, sentMs, answeredMs };
  }

  return {
    ask,
    /** How often each code was answered. */
    counts,
    /** The latencies of all answers since the last call, in ascending order. */
    takeLatenciesMs(): number[] {
      const taken = latenciesMs.sort((a, b) => a - b);
      latenciesMs = [];
      return taken;
    },
    close: () => agent.destroy(),
  };
}

/**
 * Checks that the service answers, by a request for an unknown license.
 *
 * @throws CommandError if nothing answers at the address, or if it is not the service
 */
export async function expectService(baseUrl: string): Promise<void> {
  const service = openServiceClient(baseUrl);
  const nobody = { license_key: "FLEET-NOBODY", device_fingerprint: "fleet", check_only: true };
  const { code } = await service.ask("/api/validate-license", nobody);
  service.close();
  if (code === "no_answer" || code === "no_code") {
    throw new CommandError(`No license service answers at ${baseUrl}: start it, or correct --url.`);
  }
}

function post(
  url: URL,
  agent: Agent,
  body: string,
  onConnection: () => void,
): Promise<z.infer<typeof bodySchema>> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method: "POST",
      agent,
      headers: { "content-type": "application/json" },
      signal: AbortSignal.timeout(giveUpAfterMs),
    });
    outgoing.on("error", reject);
    outgoing.on("socket", onConnection);
    outgoing.on("response", async (incoming) => {
      try {
        let text = "";
        for await (const chunk of incoming) text += chunk;
        resolve(bodySchema.parse(JSON.parse(text)));
      } catch (error) {
        reject(error);
      }
    });
    outgoing.end(body);
  });
}
