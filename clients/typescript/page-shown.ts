import { onAbort } from "./on-abort.ts";

/** The part of a browser that is used here. Node.js types lack it. */
type Page = {
  document?: {
    prerendering?: boolean;
    addEventListener(name: "prerenderingchange", run: () => void, how: { once: true }): void;
  };
};

/**
 * Resolves once the page is one that somebody sees, or may have hidden. A browser may run a page
 * before its user opens it, and such a copy would take the session from the page that is in use.
 *
 * @throws what the signal is aborted with meanwhile
 */
export async function untilShown(signal: AbortSignal | undefined): Promise<void> {
  const { document } = globalThis as Page;
  if (!document?.prerendering) return;
  let stopListening = (): void => {};
  await new Promise<void>((resolve) => {
    document.addEventListener("prerenderingchange", resolve, { once: true });
    if (signal) stopListening = onAbort(signal, resolve);
    if (signal?.aborted) resolve();
  });
  stopListening();
  signal?.throwIfAborted();
}
