/** The part of a page or worker that is used here. Node.js types lack it. */
type Page = {
  document?: unknown;
  addEventListener?: (
    name: "securitypolicyviolation",
    take: (event: { effectiveDirective: string; disposition: string; blockedURI: string }) => void,
  ) => void;
};

/** The event may come after the failure of the request that it is about. */
const eventWithinMs = 100;

const blocked = new Set<string>();
let watching = false;

/**
 * Watches what this page's Content-Security-Policy forbids. A forbidden request fails without a
 * reason, as if the network were down.
 *
 * @returns a function that says, after a request has failed, whether the policy forbids its address
 */
export function watchPagePolicy(): (url: URL) => Promise<boolean> {
  const page = globalThis as Page;
  if (page.document === undefined || !page.addEventListener) return async () => false;
  if (!watching) {
    watching = true;
    page.addEventListener("securitypolicyviolation", (event) => {
      if (event.effectiveDirective === "connect-src" && event.disposition === "enforce")
        blocked.add(event.blockedURI);
    });
  }
  return async ({ origin }) => {
    const isBlocked = () => [...blocked].some((uri) => uri.startsWith(origin));
    if (!isBlocked()) await new Promise((resolve) => setTimeout(resolve, eventWithinMs));
    return isBlocked();
  };
}
