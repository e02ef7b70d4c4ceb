import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { attributeChange, changeLicense } from "../../../ops/data/change-license.ts";
import { getLicense } from "../../../ops/data/get-license.ts";
import { rekeyLicense } from "../../../ops/data/rekey-license.ts";
import { clientFor, startDynalite } from "../../support/engines.ts";
import { openTestService } from "../../support/test-service.ts";

let engine: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());

test("a license that was rekeyed since it was seen is not changed under its old key", async () => {
  const service = openTestService(engine);
  const client = DynamoDBDocumentClient.from(clientFor(engine.endpoint));
  const table = { client, tableName: engine.tableName };
  const key = await service.license({ email: "ada@example.com" });
  const seen = await getLicense(table, licenseIdOf(key));
  if (!seen) throw new Error("The license is not there");
  const note = { by: "ada@desk", atMs: service.nowMs() };
  await rekeyLicense(table, seen.license_id, `${key}-NEW`, note, async () => {});
  const before = await service.item(key);

  const change = attributeChange(seen, { email: "eve@example.com" });
  expect(await changeLicense(table, seen, change, note)).toBeUndefined();
  expect(await service.item(key)).toEqual(before);
});
