import { createClientRuntime } from "./client-runtime.ts";
import type { Device } from "./device.ts";
import type { ProgramParts } from "./program.ts";
import { createActor } from "./scheduler.ts";

/** A program that checks once, with the real client, whether a session could be opened. */
export async function askOnce(
  { context, sources, send, license }: ProgramParts,
  { name, device, symbol }: { name: string; device: Device; symbol: string | undefined },
): Promise<void> {
  const actor = createActor(name);
  const runtime = createClientRuntime(context, device, actor, send, { sent() {}, received() {} });
  const options = {
    url: "https://license.example",
    licenseKey: license.key,
    deviceFingerprint: device.name,
    symbol,
  };
  context.note(name, () => `asks on ${device.name} for ${symbol ?? "the session without symbol"}`);
  const answer = await sources.checkSession(options, runtime).then(
    (check) => (check.available ? "it can be had" : `${check.code}, ${check.waitSeconds} s`),
    (error: Error) => error.message,
  );
  context.note(name, () => `is told: ${answer}`);
}
