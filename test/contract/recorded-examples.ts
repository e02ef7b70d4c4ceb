import type { Example } from "../../contract/openapi.ts";
import {
  claimRoute,
  type DocumentedRoute,
  heartbeatRoute,
  releaseRoute,
} from "../../contract/routes.ts";
import type { Engine } from "../support/engines.ts";
import { asker, brokenHandlers, openTestService, type Reply } from "../support/test-service.ts";

/**
 * Lives through every case of the contract and keeps what was asked and answered. The clock stands
 * still and random ids are renamed, so that the same code always gives the same examples.
 */
export async function recordExamples(engine: Engine): Promise<Example[]> {
  const service = openTestService(engine);
  const examples: Example[] = [];
  const sessionIds: unknown[] = [];

  const one = "DOCS-EXAMPLE-KEY-1";
  await service.license({
    licenseKey: one,
    licenseType: "pro",
    maxSessions: 1,
    expiresAtMs: Date.UTC(2026, 11, 31),
  });

  const a = { license_key: one, device_fingerprint: "desktop-7f3a9c", symbol: "ES" };
  const b = { ...a, device_fingerprint: "laptop-51d20e" };
  const opening = { run_id: "5f0c4d1e-2b7a-4c55", claim_number: 1 };
  const later = { ...opening, claim_number: 2 };
  const report = { bot_version: "2.4.1", status: "trading", metadata: { open_orders: 2 } };

  await record(claimRoute, service.validate, { ...a, ...opening, check_only: true });
  const { body } = await record(claimRoute, service.validate, { ...a, ...opening });
  const held = { ...a, session_id: body.session_id };
  await record(claimRoute, service.validate, { ...b, symbol: "NQ" });
  await record(claimRoute, service.validate, { ...a, license_key: "DOCS-NO-SUCH-KEY" });
  await record(claimRoute, service.validate, { ...a, symbol: "E\u0000" });

  service.passSeconds(20);
  await record(heartbeatRoute, service.heartbeat, { ...held, ...report });
  await record(claimRoute, service.validate, b);
  await record(heartbeatRoute, service.heartbeat, { ...held, metadata: "trading" });
  await record(heartbeatRoute, service.heartbeat, { ...held, symbol: "NQ" });
  const again = await service.validate({ ...a, ...later });
  sessionIds.push(again.body.session_id);
  await record(heartbeatRoute, service.heartbeat, held);
  await record(claimRoute, service.validate, { ...a, ...opening });

  const current = { ...a, session_id: again.body.session_id };
  await record(releaseRoute, service.release, current);
  await record(releaseRoute, service.release, current);
  await record(releaseRoute, service.release, { ...current, session_id: 7 });
  // Until then the first claim may believe that it holds.
  service.passSeconds(60);
  await service.validate(b);
  await record(heartbeatRoute, service.heartbeat, current);
  await record(releaseRoute, service.release, b);

  service.passSeconds(-1);
  await record(heartbeatRoute, service.heartbeat, b);
  service.passSeconds(1);

  for (const status of ["suspended", "cancelled"] as const) {
    await service.change(one, { status });
    await record(claimRoute, service.validate, b);
    await record(heartbeatRoute, service.heartbeat, b);
    await record(heartbeatRoute, service.heartbeat, current);
  }
  await service.change(one, { status: "active", license_expiration: service.nowMs() });
  await record(claimRoute, service.validate, b);
  await record(heartbeatRoute, service.heartbeat, b);
  await record(heartbeatRoute, service.heartbeat, current);
  const unknown = { ...a, license_key: "DOCS-NO-SUCH-KEY" };
  await record(heartbeatRoute, service.heartbeat, unknown);

  await service.change(one, { license_expiration: Date.UTC(2026, 11, 31) });
  service.deploy({ legacyBots: true });
  await record(heartbeatRoute, service.heartbeat, unknown);
  await record(heartbeatRoute, service.heartbeat, a);
  await record(heartbeatRoute, service.heartbeat, { ...a, symbol: "NQ" });
  await service.release(b);
  await record(heartbeatRoute, service.heartbeat, a);
  await service.endSession(one, "ES");
  await record(heartbeatRoute, service.heartbeat, b);
  const named = await service.validate({ ...b, ...opening });
  sessionIds.push(named.body.session_id);
  await record(heartbeatRoute, service.heartbeat, b);
  service.deploy({});
  await service.endSession(one, "ES");
  const ended = { ...b, session_id: named.body.session_id };
  await record(heartbeatRoute, service.heartbeat, ended);
  await record(claimRoute, service.validate, { ...b, ...opening });

  await recordSeveral();

  const broken = brokenHandlers(service.nowMs());
  await record(claimRoute, asker(broken.claim, service.nowMs), a);
  await record(heartbeatRoute, asker(broken.heartbeat, service.nowMs), held);
  await record(releaseRoute, asker(broken.release, service.nowMs), held);

  return examples.map(withFixedIds);

  /** Several symbols in one session, and a device that asks for some of them. */
  async function recordSeveral() {
    const license_key = "DOCS-EXAMPLE-KEY-2";
    await service.license({ licenseKey: license_key, licenseType: "pro" });
    const desktop = { license_key, device_fingerprint: "desktop-7f3a9c" };
    const laptop = { license_key, device_fingerprint: "laptop-51d20e" };
    const symbols = ["EURUSD", "GBPUSD", "XAUUSD"];
    const variant = "of_several";
    const claim = { ...desktop, ...opening, symbols };
    const { body } = await record(claimRoute, service.validate, claim, variant);
    const held = { ...desktop, session_id: body.session_id };
    service.passSeconds(10);
    const rival = { ...laptop, ...opening, symbols: ["XAUUSD", "US30"], ask_holder: true };
    await record(claimRoute, service.validate, rival, variant);
    await service.heartbeat({ ...held, symbols });
    service.passSeconds(10);
    await record(heartbeatRoute, service.heartbeat, { ...held, symbols }, variant);
    await record(releaseRoute, service.release, { ...held, symbols: ["XAUUSD"] }, variant);
    await service.validate({ ...laptop, ...opening, symbol: "XAUUSD" });
    service.passSeconds(10);
    await record(heartbeatRoute, service.heartbeat, { ...held, symbols }, variant);
    await service.endSession(license_key, "GBPUSD");
    service.passSeconds(10);
    await record(
      heartbeatRoute,
      service.heartbeat,
      { ...held, symbols: symbols.slice(0, 2) },
      variant,
    );
  }

  async function record(
    route: DocumentedRoute,
    ask: (body: unknown) => Promise<Reply>,
    request: object,
    variant?: string,
  ): Promise<Reply> {
    const reply = await ask(request);
    if (reply.body.session_id !== undefined) sessionIds.push(reply.body.session_id);
    const { status, body: answer } = reply;
    const code = String(answer.code);
    const name = variant ? `${code}_${variant}` : code;
    examples.push({ path: route.path, code, name, request, status, answer });
    return reply;
  }

  function withFixedIds(example: Example): Example {
    let text = JSON.stringify(example);
    for (const [index, id] of sessionIds.entries()) {
      const [, , count] = String(id).split(".");
      const fixed = `1c0c8a5e-14ee-4b8e-8b7c-0e7d4a2a2d8${index}`;
      text = text.replaceAll(String(id), count ? `${fixed}.k3Q.${count}` : fixed);
    }
    return JSON.parse(text);
  }
}
