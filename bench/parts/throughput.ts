import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { npmStart } from "../../test/support/service-process.ts";
import type { Context } from "../context.ts";
import type { Report } from "../report.ts";
import { device } from "../sample.ts";

const demoKey = "DEMO-DEMO-DEMO-DEMO";

/** Heartbeats per second of `npm start`, with 1 to 64 connections. */
export async function throughput({ seconds, progress, signal }: Context): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "license-sessions-bench-"));
  progress("throughput: npm start");
  const service = await npmStart({ DATA_DIR: folder });
  const rows: Report["rows"] = [];
  try {
    const request = { license_key: demoKey, device_fingerprint: device, symbol: "ES" };
    await service.post("/api/validate-license", request);
    for (const connections of [1, 4, 16, 64]) {
      signal.throwIfAborted();
      progress(`throughput: ${connections} connections for ${seconds} s`);
      const { requests, latency, non2xx, errors } = await autocannon({
        url: `${service.url}/api/heartbeat`,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
        connections,
        duration: seconds,
      });
      rows.push({
        connections,
        "requests/s": requests.average,
        "p50 ms": latency.p50,
        "p99 ms": latency.p99,
        "not 2xx": non2xx,
        errors,
      });
    }
  } finally {
    await service.stop();
    await rm(folder, { recursive: true });
  }
  return {
    title:
      "Throughput of npm start (one process a function, dynalite on disk, all heartbeats of one license)",
    notes: [`${seconds} s each; the load comes from the same machine`],
    rows,
  };
}
