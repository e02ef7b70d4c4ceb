import { spawnSync } from "node:child_process";
import { type Engine, startDynalite, startDynamoDbLocal } from "../test/support/engines.ts";

/** DynamoDB Local where there is Java, else dynalite: the engines of the tests. */
export async function startBenchEngine(): Promise<Engine & { name: string } & AsyncDisposable> {
  const hasJava = spawnSync("java", ["-version"]).status === 0;
  const engine: Engine = await (hasJava ? startDynamoDbLocal() : startDynalite());
  return {
    ...engine,
    name: hasJava ? "DynamoDB Local, in memory" : "dynalite, in memory",
    [Symbol.asyncDispose]: () => engine.stop(),
  };
}
