import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { createInterface } from "node:readline";
import * as z from "zod";
import { endsWithRun } from "../support/ends-with-run.ts";

const names = [
  env.CHROMIUM,
  "chromium",
  "google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The command of a Chromium of this machine; `undefined` if it has none. */
export const chromiumCommand = names
  .filter((name) => name !== undefined)
  .find((name) => spawnSync(name, ["--version"]).status === 0);

const replySchema = z.object({ id: z.number().optional(), result: z.unknown().optional() });
const targetSchema = z.object({ targetId: z.string() });
const sessionSchema = z.object({ sessionId: z.string() });
const windowSchema = z.object({ windowId: z.number() });
const valueSchema = z.object({ result: z.object({ value: z.unknown().optional() }) });

/**
 * Opens a page in a Chromium without a window, which throttles it soon after it is hidden. Spoken to
 * by the protocol of its developer tools.
 */
export async function openPage(command: string, url: string) {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
  const browser = endsWithRun(
    spawn(
      command,
      [
        ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...["--remote-debugging-port=0", `--user-data-dir=${folder}`],
        ...["--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1", "about:blank"],
      ],
      // It leaves a folder of its own there when it is ended.
      { stdio: ["ignore", "ignore", "pipe"], env: { ...env, TMPDIR: folder } },
    ),
  );
  const ended = once(browser, "close");
  const socket = new WebSocket(await debuggerAddress());
  const waiting = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = replySchema.parse(JSON.parse(String(data)));
    if (id !== undefined) waiting.get(id)?.(result);
  };
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });

  const { targetId } = await send("Target.createTarget", { url }, targetSchema);
  let sessionId: string | undefined;

  return {
    /**
     * The value of an expression in the page, of a promise once it has settled. A page that was
     * spoken to prerenders no other.
     */
    async evaluate(expression: string): Promise<unknown> {
      const target = { targetId, flatten: true };
      sessionId ??= (await send("Target.attachToTarget", target, sessionSchema)).sessionId;
      const parameters = { expression, awaitPromise: true, returnByValue: true };
      const { result } = await send("Runtime.evaluate", parameters, valueSchema);
      return result.value;
    },
    async hide(): Promise<void> {
      const { windowId } = await send("Browser.getWindowForTarget", { targetId }, windowSchema);
      const bounds = { windowState: "minimized" };
      await send("Browser.setWindowBounds", { windowId, bounds }, z.unknown());
    },
    async close(): Promise<void> {
      socket.close();
      browser.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };

  async function debuggerAddress(): Promise<string> {
    for await (const line of createInterface(browser.stderr)) {
      const [address] = line.match(/ws:\/\/\S+/) ?? [];
      if (address) return address;
    }
    throw new Error("The browser ended before it could be spoken to");
  }

  function send<T>(method: string, params: object, schema: z.ZodType<T>): Promise<T> {
    const id = waiting.size + 1;
    return new Promise((resolve, reject) => {
      waiting.set(id, (result) => {
        const read = schema.safeParse(result);
        if (read.success) resolve(read.data);
        else reject(read.error);
      });
      socket.send(JSON.stringify({ id, method, params, sessionId: pageSession(method) }));
    });
  }

  function pageSession(method: string): string | undefined {
    return method.startsWith("Runtime.") ? sessionId : undefined;
  }
}
