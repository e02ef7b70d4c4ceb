declare module "dynalite" {
  type Options = {
    /** Folder of the data; in memory if absent. */
    path?: string | undefined;
    createTableMs?: number;
    updateTableMs?: number;
    deleteTableMs?: number;
  };

  /** Returns a server that is not listening yet. Closing it also closes the data. */
  export default function dynalite(options?: Options): import("node:http").Server;
}
