import { isIP } from "node:net";

/**
 * Whether a port of this machine answers requests for a host: `localhost`, any IP address, or the
 * one that it was told to listen on. A page on the web can let a name of its own point to this
 * machine, and its browser then counts what it reads here as the page's own; for an address it
 * does not.
 *
 * @param hostHeader with the port, as it was received
 * @param listenHost the setting HOST
 */
export function isServedHost(hostHeader: string | undefined, listenHost: string): boolean {
  const name = (hostHeader ?? "").toLowerCase().replace(/:\d*$/, "");
  const address = /^\[(.*)\]$/.exec(name)?.[1] ?? name;
  return name === "localhost" || name === listenHost.toLowerCase() || isIP(address) !== 0;
}

/** For whoever is refused. */
export const servedHostsHint =
  "Call localhost or an IP address, or start the service with HOST set to the name that you call.";
