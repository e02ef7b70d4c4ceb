/** What runs code in the world: a process on a device, an instance of a function. */
export type Actor = {
  name: string;
  /** Above 0 while it can't run because it is asleep, stuck or frozen. Its events wait. */
  heldUp: number;
  dead: boolean;
  waiting: Event[];
};

type Event = {
  atMs: number;
  order: number;
  actor: Actor | undefined;
  run: () => void;
  off: boolean;
};

/** Virtual time: what happens next, and when. Milliseconds from the start of the world. */
export type Scheduler = {
  nowMs(): number;
  /** Whose code is running. */
  current(): Actor | undefined;
  /** Runs it at that instant, as part of the actor if there is one. Returns what cancels it. */
  at(atMs: number, actor: Actor | undefined, run: () => void): () => void;
  /** The same, that much later than now. */
  after(ms: number, actor: Actor | undefined, run: () => void): () => void;
  pause(ms: number, actor: Actor | undefined): Promise<void>;
  holdUp(actor: Actor): void;
  /** Runs the waiting events now, in their original order. */
  letRun(actor: Actor): void;
  kill(actor: Actor): void;
  /**
   * Lets everything happen until that instant. Between two events all promises settle.
   *
   * @param afterEach called after each event, when nothing is left to do; ends the run if false
   */
  runUntil(endMs: number, afterEach: (actor: Actor | undefined) => boolean): Promise<void>;
};

export function createActor(name: string): Actor {
  return { name, heldUp: 0, dead: false, waiting: [] };
}

const { setImmediate } = globalThis;

export function createScheduler(): Scheduler {
  const heap: Event[] = [];
  let nowMs = 0;
  let order = 0;
  let current: Actor | undefined;

  function at(atMs: number, actor: Actor | undefined, run: () => void): () => void {
    const event = {
      atMs: Math.max(nowMs, Math.ceil(atMs)),
      order: order++,
      actor,
      run,
      off: false,
    };
    push(heap, event);
    return () => {
      event.off = true;
    };
  }

  const after: Scheduler["after"] = (ms, actor, run) => at(nowMs + ms, actor, run);

  return {
    nowMs: () => nowMs,
    current: () => current,
    at,
    after,
    pause: (ms, actor) => new Promise((resolve) => void after(ms, actor, resolve)),
    holdUp(actor) {
      actor.heldUp++;
    },
    letRun(actor) {
      actor.heldUp--;
      if (actor.heldUp > 0) return;
      for (const event of actor.waiting.splice(0)) {
        event.atMs = nowMs;
        event.order = order++;
        push(heap, event);
      }
    },
    kill(actor) {
      actor.dead = true;
      actor.waiting.length = 0;
    },
    async runUntil(endMs, afterEach) {
      for (let next = heap[0]; next && next.atMs <= endMs; next = heap[0]) {
        pop(heap);
        if (next.off || next.actor?.dead) continue;
        if (next.actor && next.actor.heldUp > 0) {
          next.actor.waiting.push(next);
          continue;
        }
        nowMs = next.atMs;
        current = next.actor;
        next.run();
        await settled();
        current = undefined;
        if (!afterEach(next.actor)) return;
      }
      nowMs = Math.max(nowMs, endMs);
    },
  };
}

/** Waits for one turn of the event loop, after which all promises that can settle have settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (!parent || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const smallerAt = right && left && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
    const smaller = heap[smallerAt];
    if (!smaller || !isBefore(smaller, last)) break;
    heap[at] = smaller;
    at = smallerAt;
  }
  heap[at] = last;
}
