import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import type { Context } from "./context.ts";

/** As much of `@deliveryhero/dynamodb-lock` as is used here. */
type DeliveryHero = {
  dynamoDBLockClientFactory(
    documents: DynamoDBDocument,
    table: { tableName: string; partitionKey: string; sortKey: string },
  ): {
    lock(group: string, id: string, options: object): Promise<DeliveryHeroLock>;
    releaseLock(lock: DeliveryHeroLock): Promise<void>;
    dataLayer: {
      updateRecordVersionNumberAndTime(
        lock: DeliveryHeroLock,
        version: string,
        when: Date,
      ): Promise<void>;
    };
  };
};
export type DeliveryHeroLock = { prolonged(version: string, when: Date): void };

type Done<Result = unknown> = (error?: unknown, result?: Result) => void;

/** As much of `dynamodb-lock-client` as is used here. */
type LockClient = {
  FailOpen: new (config: object) => { acquireLock(id: object, done: Done<LockClientLock>): void };
};
export type LockClientLock = { release(done: Done): void; heartbeatTimeout: NodeJS.Timeout };

const folder = join(import.meta.dirname, "alternatives");
const require = createRequire(join(folder, "package.json"));

/** They are no dependency of the project: their peers are deprecated. */
export async function installLockLibraries({ progress, signal }: Context): Promise<void> {
  try {
    require.resolve("@deliveryhero/dynamodb-lock");
    require.resolve("dynamodb-lock-client");
  } catch {
    progress("installing the alternatives: npm ci --prefix bench/alternatives");
    await promisify(execFile)("npm", ["ci", "--prefix", folder], { signal });
  }
}

/** After `installLockLibraries`. */
export function loadLockLibraries(): { deliveryHero: DeliveryHero; lockClient: LockClient } {
  return {
    deliveryHero: require("@deliveryhero/dynamodb-lock"),
    lockClient: require("dynamodb-lock-client"),
  };
}

/** The document client of the SDK's version 2, which `dynamodb-lock-client` expects. */
export function documentsOfSdk2(documents: DynamoDBDocument) {
  const withCallback =
    <Input>(send: (input: Input) => Promise<unknown>) =>
    (input: Input, done: Done) => {
      send(input).then(
        (output) => done(undefined, output),
        (error) => done(Object.assign(error, { code: error.name })),
      );
    };
  return {
    get: withCallback(documents.get.bind(documents)),
    put: withCallback(documents.put.bind(documents)),
    delete: withCallback(documents.delete.bind(documents)),
  };
}
