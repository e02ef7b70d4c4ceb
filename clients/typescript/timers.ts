/** The timers of this world: `set` calls once after so many milliseconds, `clear` takes it back. */
export type Timers<Timer = unknown> = {
  set(run: () => void, afterMs: number): Timer;
  clear(timer: Timer): void;
};

/** What of a browser is used here. The types of Node.js know none of it. */
type Page = {
  document?: unknown;
  Worker?: new (
    url: string,
  ) => {
    postMessage(message: unknown): void;
    onmessage: ((event: { data: unknown }) => void) | null;
    onerror: ((event: { preventDefault(): void }) => void) | null;
  };
};

/** Sends back each id after its time. */
const workerSource =
  "onmessage = ({ data: { id, afterMs } }) => setTimeout(() => postMessage(id), afterMs);";

let ofThisPage: Timers | undefined;

/**
 * Timers that go on in time while a page is hidden. A browser lets the timers of a hidden page fire
 * once a second, or once a minute, but not those of its workers. Elsewhere they are the ordinary ones.
 *
 * @param onRefused called if the page's policy allows no worker: then heartbeats may be late
 */
export function createTimers(onRefused: () => void): Timers {
  const page = globalThis as Page;
  if (page.document === undefined || !page.Worker) return ordinaryTimers;
  ofThisPage ??= workerTimers(page.Worker, onRefused);
  return ofThisPage;
}

const ordinaryTimers: Timers = {
  set: (run, afterMs) => setTimeout(run, afterMs),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** Each timer is set in the page and in the worker, and the first counts: one of them may be missing. */
function workerTimers(PageWorker: NonNullable<Page["Worker"]>, onRefused: () => void): Timers {
  const waiting = new Map<number, () => void>();
  let lastId = 0;
  const post = startWorker();
  return {
    set(run, afterMs) {
      const id = ++lastId;
      const timer = setTimeout(() => fire(id), afterMs);
      waiting.set(id, () => {
        clearTimeout(timer);
        run();
      });
      post({ id, afterMs });
      return { id, timer };
    },
    clear(set) {
      const { id, timer } = set as { id: number; timer: ReturnType<typeof setTimeout> };
      waiting.delete(id);
      clearTimeout(timer);
    },
  };

  function startWorker(): (message: { id: number; afterMs: number }) => void {
    try {
      const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
      const worker = new PageWorker(url);
      worker.onmessage = ({ data }) => fire(Number(data));
      worker.onerror = (event) => {
        event.preventDefault();
        onRefused();
      };
      return (message) => worker.postMessage(message);
    } catch {
      onRefused();
      return () => {};
    }
  }

  function fire(id: number): void {
    const run = waiting.get(id);
    waiting.delete(id);
    run?.();
  }
}
