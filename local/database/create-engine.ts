import { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import dynalite from "dynalite";
import * as z from "zod";
import { isServedHost, servedHostsHint } from "../is-served-host.ts";
import { createQueues } from "./create-queues.ts";

type EngineRequest = Pick<IncomingMessage, "method" | "url" | "headers"> & { body: Buffer };
type EngineAnswer = { status: number; headers: Record<string, string>; body: string };

type EngineOptions = {
  /** Folder of the data; in memory if absent. */
  path?: string;
  /** The setting HOST; requests for other names than this and loopback are refused. */
  host?: string;
};

/**
 * dynalite behind a front that adds what it lacks: a refused write returns the item that refused
 * it, if the caller asks for that, and web pages are kept out.
 *
 * @returns the server, which is not listening yet and closes the data when it is closed
 */
export function createEngine({ path, host = "127.0.0.1" }: EngineOptions = {}): Server {
  const server = dynalite({ path, createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });
  const [answerAlone] = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request, response) => void serve(request, response));
  const inTurn = createQueues();

  function askAlone({ body, ...request }: EngineRequest): Promise<EngineAnswer> {
    return new Promise((resolve) => {
      const incoming = Object.assign(new EventEmitter(), request);
      const headers: Record<string, string> = {};
      const outgoing = {
        statusCode: 200,
        setHeader(name: string, value: unknown) {
          // These two are of a body to which an item may be added.
          if (!/^(content-length|x-amz-crc32)$/i.test(name)) headers[name] = String(value);
        },
        end: (text = "") => resolve({ status: outgoing.statusCode, headers, body: text }),
      };
      answerAlone?.call(server, incoming, outgoing);
      incoming.emit("data", body);
      incoming.emit("end");
    });
  }

  /** The item, read with the credentials of `request`. */
  async function itemOf(request: EngineRequest, input: object): Promise<unknown> {
    const headers = { ...request.headers, "x-amz-target": "DynamoDB_20120810.GetItem" };
    const body = Buffer.from(JSON.stringify(input));
    return JSON.parse((await askAlone({ ...request, headers, body })).body).Item;
  }

  async function ask(request: EngineRequest): Promise<EngineAnswer> {
    const write = readWrite(request);
    if (write === undefined) return askAlone(request);
    // There is only one table, and this is its key.
    const { TableName, Item, Key = { license_id: Item?.license_id } } = write;
    // While a write has its turn no other changes the item, so what is read is what refused it.
    return inTurn(JSON.stringify([TableName, Object.entries(Key).sort()]), async () => {
      const answer = await askAlone(request);
      if (write.ReturnValuesOnConditionCheckFailure !== "ALL_OLD" || answer.status !== 400)
        return answer;
      const said = JSON.parse(answer.body);
      if (!`${said.__type}`.endsWith("#ConditionalCheckFailedException")) return answer;
      const refusing = await itemOf(request, { TableName, Key });
      return { ...answer, body: JSON.stringify({ ...said, Item: refusing }) };
    });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request;
    if (headers.origin !== undefined) {
      return refuse(response, 403, "Web pages are not served: the request has the header Origin.");
    }
    if (!isServedHost(headers.host, host)) return refuse(response, 421, servedHostsHint);
    const body = await buffer(request).catch(() => undefined);
    // The caller has disconnected.
    if (body === undefined) return;
    const answer = await ask({ method, url, headers, body });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  return server;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: "AccessDeniedException", message }));
}

/** A write of one item. Those of several, such as BatchWriteItem, know no conditions here. */
function readWrite({ headers, body }: EngineRequest): Write | undefined {
  if (!/\.(Put|Update|Delete)Item$/.test(`${headers["x-amz-target"]}`)) return undefined;
  try {
    return writeSchema.safeParse(JSON.parse(body.toString())).data;
  } catch {
    return undefined;
  }
}

const attributesSchema = z.record(z.string(), z.unknown());
const writeSchema = z.object({
  TableName: z.string(),
  Key: attributesSchema.optional(),
  Item: attributesSchema.optional(),
  ReturnValuesOnConditionCheckFailure: z.string().optional(),
});
type Write = z.infer<typeof writeSchema>;
