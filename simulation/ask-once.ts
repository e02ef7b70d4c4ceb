import { createClientRuntime } from "./client-runtime.ts";
import type { Life } from "./process-of.ts";
import type { ProgramParts } from "./program.ts";
import { createActor } from "./scheduler.ts";

/** A program that checks once, with the real client, whether a session could be opened. */
export async function askOnce(
  { context, sources, send, license, stackOf }: ProgramParts,
  { name, device, symbols, isOfSeveral }: Pick<Life, "name" | "device" | "symbols" | "isOfSeveral">,
): Promise<void> {
  const ground = { device, actor: createActor(name), stack: stackOf(name) };
  const runtime = createClientRuntime(context, ground, send, { sent() {}, received() {} });
  const options = {
    url: "https://license.example",
    licenseKey: license.key,
    deviceFingerprint: device.name,
    ...(isOfSeveral ? { symbols: symbols ?? [] } : { symbol: symbols?.[0] }),
  };
  context.note(name, () => `asks on ${device.name} for ${symbols?.join(", ") ?? "no symbol"}`);
  const answer = await sources.checkSession(options, runtime).then(
    (check) => (check.available ? "it can be had" : `${check.code}, ${check.waitSeconds} s`),
    (error: Error) => error.message,
  );
  context.note(name, () => `is told: ${answer}`);
}
