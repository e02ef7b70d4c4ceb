import { afterAll, beforeAll, vi } from "vitest";

/**
 * Opens an engine for the tests of the surrounding `describe` or file. Mutes logs, which would take
 * longer than the refusals that they report, and time limits, which a busy machine could exceed.
 *
 * @returns a function that returns the engine, for use within tests
 */
export function engineForTests<Engine extends { stop(): Promise<void> }>(
  open: () => Promise<Engine>,
): () => Engine {
  let engine: Engine;
  beforeAll(async () => {
    engine = await open();
    vi.spyOn(console, "info").mockImplementation(() => {});
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    // Not one of the timers that vitest can fake.
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  });
  afterAll(async () => {
    vi.useRealTimers();
    await engine.stop();
  });
  return () => engine;
}
