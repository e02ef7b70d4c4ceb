import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../local/listen.ts";

test("what is served here is served to this machine alone", async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  const port = await listen(server, 0, "PORT");
  expect(server.address()).toMatchObject({ address: "127.0.0.1", port });
});

test("a host that is no address of this machine is reported", async () => {
  await expect(listen(createServer(), 0, "PORT", "203.0.113.1")).rejects.toThrow(
    "HOST 203.0.113.1 is not an address of this machine (EADDRNOTAVAIL); set HOST",
  );
});
