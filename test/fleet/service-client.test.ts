import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { expectService } from "../../fleet/service-client.ts";

async function serve(status: number, body: string): Promise<{ url: string; stop(): void }> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => void server.close().closeAllConnections();
  onTestFinished(stop);
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === "object" && address?.port}`, stop };
}

test("the service is found by its code for a license that nobody has", async () => {
  const { url } = await serve(401, '{"code":"license_unknown"}');
  await expect(expectService(url)).resolves.toBeUndefined();
});

test("an address where nothing answers is refused before any license is made", async () => {
  const { url, stop } = await serve(200, "");
  stop();
  await expect(expectService(url)).rejects.toThrow(`No license service answers at ${url}`);
});

test.for([
  [404, '{"message":"Not Found"}'],
  [200, "<html>"],
] as const)("an address of something else is refused, %i with %s", async ([status, body]) => {
  const { url } = await serve(status, body);
  await expect(expectService(url)).rejects.toThrow(`No license service answers at ${url}`);
});
