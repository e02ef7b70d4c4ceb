import { randomUUID } from "node:crypto";
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { licenseIdOf } from "../lambdas/license-key.ts";
import { createLicense } from "../ops/data/create-license.ts";
import type { TableHandle } from "../ops/data/table-handle.ts";

const atOnce = 20;

/**
 * Creates licenses of type `fleet`, runs `work` with them and removes them, even if it fails.
 *
 * @param progress receives progress messages
 * @param signal stops the creation of licenses; those already created are removed
 * @throws the reason of the signal if it aborts before the work; otherwise the first failure
 */
export async function withLicenses<Result>(
  table: TableHandle,
  count: number,
  work: (licenseKeys: string[]) => Promise<Result>,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Result> {
  const keys = Array.from({ length: count }, () => `FLEET-${randomUUID()}`);
  const begun: string[] = [];

  async function makeAndWork(): Promise<Result> {
    progress(`Making ${count} licenses`);
    const broken = new AbortController();
    await forEach(keys, AbortSignal.any([signal, broken.signal]), async (licenseKey) => {
      begun.push(licenseKey);
      const license = { licenseKey, licenseType: "fleet", maxSessions: 1 };
      await createLicense(table, license, Date.now()).catch((error) => broken.abort(error));
    });
    broken.signal.throwIfAborted();
    signal.throwIfAborted();
    return work(keys);
  }

  async function remove(): Promise<void> {
    progress(`Removing ${begun.length} licenses`);
    const problems: unknown[] = [];
    await forEach(begun, undefined, async (licenseKey) => {
      const Key = { license_id: licenseIdOf(licenseKey) };
      const command = new DeleteCommand({ TableName: table.tableName, Key });
      await table.client.send(command).catch((error) => problems.push(error));
    });
    if (problems.length === 0) return;
    progress(`${problems.length} licenses could not be removed; their type is fleet`);
    throw problems[0];
  }

  const [done] = await Promise.allSettled([makeAndWork()]);
  const [removed] = await Promise.allSettled([remove()]);
  if (done.status === "rejected") throw done.reason;
  if (removed.status === "rejected") throw removed.reason;
  return done.value;
}

async function forEach(
  keys: string[],
  signal: AbortSignal | undefined,
  work: (key: string) => Promise<void>,
): Promise<void> {
  const pending = keys.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const key of pending) {
        if (signal?.aborted) return;
        await work(key);
      }
    }),
  );
}
