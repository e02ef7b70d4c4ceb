import { setTimeout as wait } from "node:timers/promises";
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { clientFor } from "../../test/support/engines.ts";
import { deliveryHero, licenseSessions, lockClient, locksTable } from "../contenders.ts";
import type { Context } from "../context.ts";
import { startEngine } from "../engine.ts";
import { meter } from "../metered-client.ts";
import type { Report } from "../report.ts";
import { serviceOn } from "../service-on-engine.ts";
import { inWords, spreadOf } from "../statistics.ts";

const leaseMs = 2_000;
const successions = 3;
// A new engine takes ever less time for the same, so the first to be measured would be the slowest.
const warmUps = 300;
const steps = ["acquire", "heartbeat", "release"] as const;

/** Acquire, heartbeat, release and the place of a dead holder, with each library. */
export async function alternatives({ runs, progress, signal }: Context): Promise<Report> {
  await using engine = await startEngine();
  const ours = serviceOn(engine, leaseMs);
  const client = clientFor(engine.endpoint);
  await createLocksTable(client);
  const documents = DynamoDBDocument.from(client);
  const theirMeter = meter(client);
  const contenders = [
    { contender: licenseSessions(ours.service), meter: ours.meter },
    { contender: deliveryHero(documents, leaseMs), meter: theirMeter },
    { contender: lockClient(documents, leaseMs), meter: theirMeter },
  ];
  const ids = Array.from({ length: runs + successions }, (_, run) => `bench-${run}`);
  for (const licenseKey of ["warm-up", ...ids]) await ours.addLicense({ licenseKey });
  progress("alternatives: warming up");
  for (let index = 0; index < warmUps; index++) {
    signal.throwIfAborted();
    for (const { contender } of contenders) {
      for (const step of steps) await contender[step]("warm-up");
    }
  }

  const rows: Report["rows"] = [];
  for (const step of steps) {
    progress(`alternatives: ${step}`);
    const trials = contenders.map(({ contender, meter }) => {
      return { contender, meter, wallMs: [] as number[], asked: [] as string[], units: 0 };
    });
    for (const id of ids.slice(0, runs)) {
      signal.throwIfAborted();
      for (const trial of trials) {
        trial.meter.take();
        const startedAtMs = performance.now();
        await trial.contender[step](id);
        trial.wallMs.push(performance.now() - startedAtMs);
        ({ calls: trial.asked, units: trial.units } = trial.meter.take());
      }
    }
    for (const { contender, wallMs, asked, units } of trials) {
      const row = { step, library: contender.name, "wall ms": inWords(spreadOf(wallMs), 2) };
      rows.push({ ...row, calls: asked.length, units, asked: asked.join(" ") });
    }
  }
  for (const { contender, meter } of contenders) {
    progress(`alternatives: a dead holder of ${contender.name}`);
    const wallMs: number[] = [];
    let asked: string[] = [];
    let units = 0;
    for (const id of ids.slice(runs)) {
      signal.throwIfAborted();
      const startedAtMs = performance.now();
      await contender.acquire(id);
      await wait(leaseMs / 2, undefined, { signal });
      meter.take();
      await contender.succeed(id);
      wallMs.push(performance.now() - startedAtMs);
      ({ calls: asked, units } = meter.take());
    }
    const row = { step: "dead holder", library: contender.name };
    rows.push({
      ...row,
      "wall ms": inWords(spreadOf(wallMs), 0),
      calls: asked.length,
      units,
      asked: asked.join(" "),
    });
  }
  return {
    title: "Against other locks on DynamoDB, on the same engine",
    notes: [
      `${engine.name}; medians (quartiles) of ${runs} each, in turn, without contention; ours with its HTTP event`,
      `dead holder: from its last beat until another holds its place, which began to wait after half the lease of ${leaseMs} ms`,
    ],
    rows,
  };
}

async function createLocksTable(client: DynamoDBClient): Promise<void> {
  const { tableName, partitionKey, sortKey } = locksTable;
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      KeySchema: [
        { AttributeName: partitionKey, KeyType: "HASH" },
        { AttributeName: sortKey, KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: partitionKey, AttributeType: "S" },
        { AttributeName: sortKey, AttributeType: "S" },
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
}
