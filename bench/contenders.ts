import { setTimeout as wait } from "node:timers/promises";
import type { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { heartbeatHandler } from "../lambdas/heartbeat-handler.ts";
import { releaseHandler } from "../lambdas/release-handler.ts";
import type { Service } from "../lambdas/service.ts";
import { validateHandler } from "../lambdas/validate-handler.ts";
import { asker } from "../test/support/scene.ts";
import {
  type DeliveryHeroLock,
  documentsOfSdk2,
  type LockClientLock,
  loadLockLibraries,
} from "./lock-libraries.ts";
import { device, rival, symbol } from "./sample.ts";

/** A way to hold a lock. It resolves when the step is confirmed, and rejects when it is refused. */
export type Contender = {
  name: string;
  acquire(id: string): Promise<void>;
  heartbeat(id: string): Promise<void>;
  release(id: string): Promise<void>;
  /** Another one waits for the place of a holder that is dead. */
  succeed(id: string): Promise<void>;
};

export const locksTable = { tableName: "Locks", partitionKey: "lockId", sortKey: "lockGroup" };

export function licenseSessions(service: Service): Contender {
  const validate = asker(validateHandler(service));
  const request = { device_fingerprint: device, symbol };
  const done = (handler: ReturnType<typeof validateHandler>) => async (id: string) => {
    const { status, body } = await asker(handler)({ ...request, license_key: id });
    if (status !== 200) throw new Error(`Refused: ${body.code}`);
  };
  return {
    name: "license-sessions",
    acquire: done(validateHandler(service)),
    heartbeat: done(heartbeatHandler(service)),
    release: done(releaseHandler(service)),
    async succeed(id) {
      for (;;) {
        const { status, body } = await validate({
          ...request,
          license_key: id,
          device_fingerprint: rival,
        });
        if (status === 200) return;
        await wait(Number(body.estimated_wait_seconds) * 1000);
      }
    },
  };
}

export function deliveryHero(documents: DynamoDBDocument, leaseMs: number): Contender {
  const { deliveryHero: library } = loadLockLibraries();
  const client = library.dynamoDBLockClientFactory(documents, locksTable);
  const options = { leaseDurationInMs: leaseMs, prolongLeaseEnabled: false };
  const locks = new Map<string, DeliveryHeroLock>();
  const acquire = async (id: string) => {
    locks.set(id, await client.lock("bench", id, options));
  };
  return {
    name: "@deliveryhero/dynamodb-lock",
    acquire,
    // What its timer does.
    async heartbeat(id) {
      const when = new Date();
      await client.dataLayer.updateRecordVersionNumberAndTime(held(locks, id), id, when);
      held(locks, id).prolonged(id, when);
    },
    release: (id) => client.releaseLock(held(locks, id)),
    succeed: acquire,
  };
}

export function lockClient(documents: DynamoDBDocument, leaseMs: number): Contender {
  const { lockClient: library } = loadLockLibraries();
  let put = Promise.withResolvers<void>();
  const sdk2 = documentsOfSdk2(documents);
  const client = new library.FailOpen({
    dynamodb: {
      ...sdk2,
      put(input: Parameters<typeof sdk2.put>[0], done: Parameters<typeof sdk2.put>[1]) {
        sdk2.put(input, (error, output) => {
          done(error, output);
          put.resolve();
        });
      },
    },
    lockTable: locksTable.tableName,
    partitionKey: locksTable.partitionKey,
    sortKey: locksTable.sortKey,
    leaseDurationMs: leaseMs,
    // It beats by this timer alone, which therefore must not run by itself.
    heartbeatPeriodMs: 3_600_000,
    retryCount: 0,
  });
  const locks = new Map<string, LockClientLock>();
  const acquire = (id: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    client.acquireLock({ lockId: `${id}-lock-client`, lockGroup: "bench" }, (error, lock) => {
      if (lock === undefined) return reject(error);
      clearTimeout(locks.get(id)?.heartbeatTimeout);
      // The last holder of each place is never ended, and shall not keep the benchmark alive.
      lock.heartbeatTimeout.unref();
      locks.set(id, lock);
      resolve();
    });
    return promise;
  };
  return {
    name: "dynamodb-lock-client",
    acquire,
    async heartbeat(id) {
      put = Promise.withResolvers<void>();
      runNow(held(locks, id).heartbeatTimeout);
      await put.promise;
    },
    release(id) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      held(locks, id).release((error) => (error ? reject(error) : resolve()));
      return promise;
    },
    succeed: acquire,
  };
}

function held<Lock>(locks: Map<string, Lock>, id: string): Lock {
  const lock = locks.get(id);
  if (lock === undefined) throw new Error(`Not held: ${id}`);
  return lock;
}

/** Node has no public way to bring a timer forward, and the library none to beat. */
function runNow(timer: NodeJS.Timeout & { _onTimeout?(): void }): void {
  const beat = timer._onTimeout;
  if (beat === undefined) throw new Error("This Node.js keeps the callback of a timer elsewhere");
  // Which forgets the callback.
  clearTimeout(timer);
  beat.call(timer);
}
