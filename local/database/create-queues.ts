/** Runs a piece of work, and returns what it returns, once all before it in its queue has ended. */
type InTurn = <Result>(queue: string, work: () => Promise<Result>) => Promise<Result>;

/** Queues by name. Work of different queues runs side by side. */
export function createQueues(): InTurn {
  const lastOf = new Map<string, Promise<void>>();
  return (queue, work) => {
    const result = (lastOf.get(queue) ?? Promise.resolve()).then(work);
    const ended: Promise<void> = result
      .catch(() => {})
      .then(() => {
        if (lastOf.get(queue) === ended) lastOf.delete(queue);
      });
    lastOf.set(queue, ended);
    return result;
  };
}
