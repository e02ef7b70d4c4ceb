import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import { asker } from "../../test/support/test-service.ts";
import type { Context } from "../context.ts";
import type { Report } from "../report.ts";
import { device, rival, run } from "../sample.ts";
import { startServiceOnEngine } from "../service-on-engine.ts";

/** The DynamoDB calls of each operation, and the capacity units that they consume. */
export async function calls({ progress, signal }: Context): Promise<Report> {
  await using started = await startServiceOnEngine();
  const { engine, service, addLicense, take } = started;
  const validate = asker(claimHandler(service));
  const heartbeat = asker(heartbeatHandler(service));
  const release = asker(releaseHandler(service));

  const rows: Report["rows"] = [];
  for (const sessions of [1, 4, 20]) {
    signal.throwIfAborted();
    progress(`calls and units with ${sessions} sessions`);
    const licenseKey = `CALLS-${sessions}`;
    await addLicense({ licenseKey, maxSessions: sessions });
    const of = (fingerprint: string, symbol: string) => ({
      license_key: licenseKey,
      device_fingerprint: fingerprint,
      symbol,
    });
    for (let index = 1; index < sessions; index++) {
      await validate({ ...of(device, `S${index}`), ...run, claim_number: index });
    }
    take();

    const claim = { ...of(device, "ES"), ...run, claim_number: sessions };
    const claimed = await validate(claim);
    const row = (operation: string, status: number) => {
      const { calls: asked, units } = take();
      rows.push({
        operation,
        sessions,
        status,
        calls: asked.length,
        units,
        asked: asked.join(" "),
      });
    };
    row("claim", claimed.status);
    const { session_id } = claimed.body;
    row("heartbeat", (await heartbeat({ ...of(device, "ES"), session_id })).status);
    row("heartbeat refused", (await heartbeat(of(rival, "ES"))).status);
    row("claim refused", (await validate({ ...of(rival, "ES"), ...run })).status);
    row("check only", (await validate({ ...claim, check_only: true })).status);
    row("release", (await release({ ...of(device, "ES"), session_id })).status);
  }
  return {
    title: "Calls to DynamoDB and capacity units of each operation",
    notes: [
      `${engine}; a unit is what ReturnConsumedCapacity says`,
      "a refused write returns no figure; DynamoDB charges the units it would have written",
    ],
    rows,
  };
}
