import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A stub of DynamoDB's wire in a process of its own, on a free port of loopback. */
type DynamoDbStub = Disposable & { endpoint: string };

export async function startDynamoDbStub(): Promise<DynamoDbStub> {
  const child = fork(join(import.meta.dirname, "programs", "dynamodb-stub.ts"), { silent: true });
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return {
    endpoint: `http://127.0.0.1:${String(line).trim()}`,
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}
