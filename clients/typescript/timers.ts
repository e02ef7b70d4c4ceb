/** Timers: `set` calls a function once after some milliseconds, `clear` cancels that. */
type Timers<Timer = unknown> = {
  set(run: () => void, afterMs: number): Timer;
  clear(timer: Timer): void;
};

/** The part of a browser that is used here. Node.js types lack it. */
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
 * Timers that stay punctual while a page is hidden. Browsers throttle the timers of hidden pages to
 * once a second or once a minute, but not those of workers. Outside a browser these are ordinary
 * timers.
 *
 * @param onRefused called if the page's policy forbids workers, so that heartbeats may be late
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

/** Sets each timer in the page and in the worker, in case one fails. The first to fire counts. */
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
