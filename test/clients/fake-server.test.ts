import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../../local/listen.ts";
import { runExample, runPinned } from "./page-examples.ts";
import { buildVectors } from "./vectors/build-vectors.ts";

const hasPython = spawnSync("python3", ["-c", "import cryptography"]).status === 0;

describe("a fake server of three lines, which says yes to everything,", () => {
  const lease = { session_timeout_seconds: 60, held_for_seconds: 55 };
  const yes = { code: "granted", session_id: "1", fencing_token: 1, ...lease };
  const server = createServer((_request, response) => response.end(JSON.stringify(yes)));
  const publicKey = buildVectors().keys.service?.public_key ?? "";
  let url = "";
  beforeAll(async () => {
    url = `http://127.0.0.1:${await listen(server, 0, "PORT")}`;
  });
  afterAll(() => void server.close());

  const languages = [["ts"], ["python"]] as const;
  test.for(languages)("lets the bot in %s trade that has pinned no key", async ([language], t) => {
    t.skip(language === "python" && !hasPython && env.CI === undefined, "needs python3");
    expect(await runExample(language, url)).toMatch(/^buying /);
  });

  test.for(languages)("lets the bot in %s not trade that has pinned one", async ([language], t) => {
    t.skip(language === "python" && !hasPython && env.CI === undefined, "needs cryptography");
    const printed = await runPinned(language, url, publicKey, 1);
    expect(printed).not.toContain("buying");
    expect(printed).toContain("ServiceUnavailable");
  });
});
