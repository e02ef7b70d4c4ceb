import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { onTestFinished, vi } from "vitest";
import { createClient } from "../../../lambdas/store/dynamodb-client.ts";
import { openTable, type SessionTable } from "../../../lambdas/store/table.ts";

/**
 * The table as the functions see it, on a server in DynamoDB's place. It ends with the test.
 *
 * @param now the function's clock, epoch milliseconds
 */
export async function tableOnServer(server: Server, now = Date.now): Promise<SessionTable> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "first");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  const client = createClient(now);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    client.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return openTable({ client, tableName: "Sessions" });
}
