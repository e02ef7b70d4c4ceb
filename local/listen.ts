import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { CommandError } from "../ops/terminal/command-error.ts";

/**
 * Listens, by default only for connections from this machine.
 *
 * @param variable the environment variable that sets the port, for the error message
 * @returns the port, which the system chooses if 0 was requested
 * @throws CommandError if the port or the host can't be used
 */
export async function listen(
  server: Server,
  port: number,
  variable: string,
  host = "127.0.0.1",
): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN") {
      throw new CommandError(
        `HOST ${host} is not an address of this machine (${code}); set HOST to one that is, such as 127.0.0.1.`,
      );
    }
    const why = code === "EADDRINUSE" ? "is in use" : `can't be used (${code ?? error})`;
    throw new CommandError(`Port ${port} ${why}; set ${variable} to another one.`);
  }
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}

/**
 * Looks whether a port can be used, for a start that takes long and listens at its end.
 *
 * @throws CommandError as `listen` does
 */
export async function expectFree(port: number, variable: string, host: string): Promise<void> {
  const server = createServer();
  await listen(server, port, variable, host);
  server.close();
  await once(server, "close");
}
