import type { Example } from "../../contract/openapi.ts";
import {
  claimRoute,
  type DocumentedRoute,
  heartbeatRoute,
  releaseRoute,
} from "../../contract/routes.ts";
import { claimHandler } from "../../lambdas/claim-handler.ts";
import { heartbeatHandler } from "../../lambdas/heartbeat-handler.ts";
import { releaseHandler } from "../../lambdas/release-handler.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { defaultSettings } from "../support/default-settings.ts";
import type { Engine } from "../support/engines.ts";
import { asker, openTestService, type Reply } from "../support/test-service.ts";

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
  const report = { bot_version: "2.4.1", status: "trading", metadata: { open_orders: 2 } };

  await record(claimRoute, service.validate, { ...a, check_only: true });
  const { body } = await record(claimRoute, service.validate, a);
  const held = { ...a, session_id: body.session_id };
  await record(claimRoute, service.validate, b);
  await record(claimRoute, service.validate, { ...b, symbol: "NQ" });
  await record(claimRoute, service.validate, { ...a, license_key: "DOCS-NO-SUCH-KEY" });
  await record(claimRoute, service.validate, { ...a, symbol: "É" });

  service.passSeconds(20);
  await record(heartbeatRoute, service.heartbeat, { ...held, ...report });
  await record(heartbeatRoute, service.heartbeat, { ...a, metadata: "trading" });
  await record(heartbeatRoute, service.heartbeat, { ...a, symbol: "NQ" });
  const again = await service.validate(a);
  sessionIds.push(again.body.session_id);
  await record(heartbeatRoute, service.heartbeat, held);

  const current = { ...a, session_id: again.body.session_id };
  await record(releaseRoute, service.release, current);
  await record(releaseRoute, service.release, current);
  await record(releaseRoute, service.release, { ...current, session_id: 7 });
  // Until then the first claim may believe that it holds.
  service.passSeconds(60);
  await service.validate(b);
  await record(heartbeatRoute, service.heartbeat, current);

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
  await record(releaseRoute, service.release, b);
  await service.endSession(one, "ES");
  await record(heartbeatRoute, service.heartbeat, b);
  service.deploy({});
  await record(heartbeatRoute, service.heartbeat, b);

  const broken = brokenService(service.nowMs());
  await record(claimRoute, asker(claimHandler(broken)), a);
  await record(heartbeatRoute, asker(heartbeatHandler(broken)), held);
  await record(releaseRoute, asker(releaseHandler(broken)), held);

  return examples.map(withFixedIds);

  async function record(
    route: DocumentedRoute,
    ask: (body: unknown) => Promise<Reply>,
    request: object,
  ): Promise<Reply> {
    const reply = await ask(request);
    if (reply.body.session_id !== undefined) sessionIds.push(reply.body.session_id);
    const { status, body: answer } = reply;
    examples.push({ path: route.path, code: String(answer.code), request, status, answer });
    return reply;
  }

  function withFixedIds(example: Example): Example {
    let text = JSON.stringify(example);
    for (const [index, id] of sessionIds.entries()) {
      text = text.replaceAll(String(id), `1c0c8a5e-14ee-4b8e-8b7c-0e7d4a2a2d8${index}`);
    }
    return JSON.parse(text);
  }
}

function brokenService(nowMs: number): Service {
  const fail = async () => {
    throw new Error("The database is away");
  };
  return {
    settings: defaultSettings,
    table: { get: fail, update: fail },
    now: () => nowMs,
  };
}
