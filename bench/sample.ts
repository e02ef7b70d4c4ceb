/** The default requests and items of the benchmark. */

export const licenseKey = "BENCH-BENCH-BENCH-01";
export const device = `device-${"0123456789abcdef".repeat(2)}`;
/** A device that the stub refuses. */
export const rival = `rival--${"0123456789abcdef".repeat(2)}`;
export const symbol = "ES";
/** The first opening of a program. */
export const run = { run_id: "0123456789abcdef0123456789abcdef", claim_number: 1 };
export const sessionId = "1c0c8a5e-14ee-4b8e-8b7c-0e7d4a2a2d8e";

/** A license in DynamoDB's wire format, with the given number of live sessions. */
export function sampleItem(sessions: number, nowMs: number) {
  const entry = (index: number) => [
    index === 0 ? symbol : `S${index}`,
    {
      M: {
        device_fingerprint: { S: device },
        session_id: { S: sessionId },
        fencing_token: { N: String(nowMs) },
        run_id: { S: run.run_id },
        claim_number: { N: String(index + 1) },
        confirmed: { BOOL: true },
        started_at: { N: String(nowMs) },
        last_heartbeat: { N: String(nowMs) },
        lease_ms: { N: "60000" },
        lapses_at: { N: String(nowMs + 60_000) },
      },
    },
  ];
  return {
    license_id: { S: "a".repeat(64) },
    status: { S: "active" },
    license_type: { S: "standard" },
    created_at: { N: String(nowMs) },
    max_sessions: { N: "20" },
    fencing_token: { N: "1" },
    sessions: { M: Object.fromEntries(Array.from({ length: sessions }, (_, i) => entry(i))) },
  };
}
