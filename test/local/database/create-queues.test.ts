import { expect, test } from "vitest";
import { createQueues } from "../../../local/database/create-queues.ts";

test("work waits for what is before it in its queue, for a failure as well, and for nothing else", async () => {
  const inTurn = createQueues();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const failing = inTurn("a", async () => {
    await first.promise;
    done.push("a1");
    throw new Error("failed");
  });
  const next = inTurn("a", async () => {
    done.push("a2");
    return "its result";
  });
  await inTurn("b", async () => done.push("b1"));
  first.resolve();
  await expect(failing).rejects.toThrow("failed");
  expect(await next).toBe("its result");
  expect(done).toEqual(["b1", "a1", "a2"]);
});
