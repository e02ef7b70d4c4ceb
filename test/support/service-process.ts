import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { env } from "node:process";
import { endsWithRun } from "./ends-with-run.ts";

const root = join(import.meta.dirname, "../..");

type Finished = { exitCode: number | null; stdout: string; stderr: string };

/** A command of package.json that is running, in a process group of its own as under a terminal. */
type NpmProcess = {
  /** Resolves with the first match in the output so far or to come; rejects if it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** To the whole group, as a terminal does for Ctrl-C; or to npm alone, as a supervisor does. */
  signal(name: NodeJS.Signals, to?: "group" | "npm alone"): void;
  finished: Promise<Finished>;
};

const running = new Set<ChildProcess>();

/** Ends what a failed test has left running. */
export function endAll(): void {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

export function npm(words: string[], variables: Record<string, string> = {}): NpmProcess {
  const child = endsWithRun(
    spawn("npm", ["--silent", ...words], {
      cwd: root,
      env: {
        PATH: env.PATH,
        HOME: env.HOME,
        TMPDIR: env.TMPDIR,
        NODE_DISABLE_COMPILE_CACHE: env.NODE_DISABLE_COMPILE_CACHE,
        ...variables,
      },
      detached: true,
    }),
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const finished = once(child, "close").then(([exitCode]) => ({ exitCode, stdout, stderr }));
  return {
    finished,
    signal(name, to = "group") {
      if (child.pid !== undefined) process.kill(to === "group" ? -child.pid : child.pid, name);
    },
    says(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(stdout + stderr);
          if (match) resolve(match);
        };
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        finished.then(() => reject(new Error(`It ended and did not say ${pattern}: ${stderr}`)));
        look();
      });
    },
  };
}

/** `npm start` on free ports, when it is ready. */
export async function npmStart(variables: Record<string, string>) {
  const service = npm(["start"], { PORT: "0", DYNAMODB_PORT: "0", ...variables });
  const [, url = ""] = await service.says(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/m);
  const [, engine = ""] = await service.says(/DynamoDB at (http:\S+?),? /);
  const [, pasted = ""] = await service.says(/^ {2}(curl .*)$/m);
  return {
    ...service,
    url,
    engine,
    curl: pasted,
    async post(path: string, body: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async stop(...[name, to]: Partial<Parameters<NpmProcess["signal"]>>) {
      service.signal(name ?? "SIGTERM", to);
      return service.finished;
    },
  };
}
