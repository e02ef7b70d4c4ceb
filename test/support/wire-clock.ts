import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { vi } from "vitest";

/** A clock for this thread's `setTimeout` that a slow machine can't outrun. */
export type WireClock = {
  /** Milliseconds that have passed on it. */
  nowMs(): number;
  pass(milliseconds: number): Promise<void>;
  /** Lets time pass until that has settled. */
  until<Result>(pending: Promise<Result>): Promise<Result>;
  /** To be called while time passes: resolves when so much of it has. */
  wait(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
};

/**
 * Replaces `setTimeout` by a clock that counts round trips of a byte on the loopback interface, one
 * a millisecond. Sockets of this thread share the event loop and the kernel's queue with that byte:
 * whatever holds them up holds the clock up as well. So a request of a few round trips is as far
 * from a timeout of a second on a busy machine as on an idle one.
 */
export async function startWireClock(): Promise<WireClock> {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const wire: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(wire, "connect");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let nowMs = 0;

  async function passOne(): Promise<void> {
    const back = once(wire, "data");
    wire.write(".");
    await back;
    nowMs++;
    vi.advanceTimersByTime(1);
  }

  return {
    nowMs: () => nowMs,
    async pass(milliseconds) {
      for (const endMs = nowMs + milliseconds; nowMs < endMs; ) await passOne();
    },
    async until(pending) {
      let isSettled = false;
      const settle = () => {
        isSettled = true;
      };
      pending.then(settle, settle);
      while (!isSettled) await passOne();
      return pending;
    },
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    async stop() {
      vi.useRealTimers();
      wire.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
