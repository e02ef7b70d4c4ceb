import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { formatLogLine } from "../../local/functions/function-log.ts";
import type { NewLicense } from "../../ops/data/create-license.ts";
import type { Engine } from "../support/engines.ts";
import { operator } from "../support/license-command.ts";
import { openTestService } from "../support/test-service.ts";

export const dayMs = 86_400_000;

export const device = "device-a-0123456789";

type Wanted = Partial<NewLicense> & {
  days?: number;
  /** Gets the history, as `npm start` writes it. */
  folder?: string;
};

/** A license, the service that its bot calls, and an operator with the same clock. */
export async function newLicense(
  engine: Engine,
  { days, folder = "/nonexistent", ...attributes }: Wanted = {},
) {
  const service = openTestService(engine);
  const key = await service.license({
    email: "ada@example.com",
    expiresAtMs: days === undefined ? undefined : service.nowMs() + days * dayMs,
    ...attributes,
  });
  const license = operator(engine, { now: service.nowMs, variables: { DATA_DIR: folder } });
  const bot = { license_key: key, device_fingerprint: device };
  const log = (line: unknown) => {
    const text = formatLogLine("INFO", [line], "request-1", new Date(service.nowMs()));
    appendFileSync(join(folder, "history.jsonl"), `${text}\n`);
  };
  if (folder !== "/nonexistent") vi.spyOn(console, "info").mockImplementation(log);
  return {
    service,
    key,
    id: licenseIdOf(key),
    license,
    bot,
    log,
    claim: (symbol?: string) => service.validate({ ...bot, symbol }),
    /** What a verb prints with `--json`. */
    async json(...words: string[]) {
      const { exitCode, stdout, stderr } = await license([...words, "--json"]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      return JSON.parse(stdout);
    },
  };
}
