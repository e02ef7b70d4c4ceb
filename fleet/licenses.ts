import { randomUUID } from "node:crypto";
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { licenseIdOf } from "../lambdas/license-key.ts";
import { createLicense } from "../ops/create-license.ts";
import type { LicenseTable } from "../ops/license-table.ts";

const atOnce = 20;

/** Does some work with licenses that are made for it and removed after it, however it ends. */
export async function withLicenses<Result>(
  table: LicenseTable,
  count: number,
  work: (licenseKeys: string[]) => Promise<Result>,
): Promise<Result> {
  const keys = Array.from({ length: count }, () => `FLEET-${randomUUID()}`);
  try {
    await forEach(keys, async (licenseKey) => {
      const license = { licenseKey, licenseType: "fleet", maxSessions: 1 };
      await createLicense(table, license, Date.now());
    });
    return await work(keys);
  } finally {
    await forEach(keys, async (licenseKey) => {
      const Key = { license_id: licenseIdOf(licenseKey) };
      await table.client.send(new DeleteCommand({ TableName: table.tableName, Key }));
    });
  }
}

async function forEach(keys: string[], work: (key: string) => Promise<void>): Promise<void> {
  const pending = keys.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const key of pending) await work(key);
    }),
  );
}
