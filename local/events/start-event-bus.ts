import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { listen } from "../listen.ts";

const putEventsSchema = z.object({
  Entries: z.array(z.object({ DetailType: z.string(), Detail: z.string() })),
});

/**
 * Takes the events that functions put, as EventBridge does, and shows each as a line.
 *
 * @param onEvent called with the type of the event and its detail, JSON
 */
export async function startEventBus(
  onEvent: (type: string, detail: string) => void,
): Promise<AsyncDisposable & { endpoint: string }> {
  const server = createServer(async (request, response) => {
    const { data: put } = putEventsSchema.safeParse(await json(request).catch(() => undefined));
    for (const { DetailType, Detail } of put?.Entries ?? []) onEvent(DetailType, Detail);
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.statusCode = put ? 200 : 400;
    response.end(
      JSON.stringify(
        put
          ? { FailedEntryCount: 0, Entries: put.Entries.map(() => ({ EventId: "local" })) }
          : { __type: "ValidationException", message: "Only PutEvents is served here" },
      ),
    );
  });
  const port = await listen(server, 0, "PORT");
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
