declare module "dynalite" {
  import type { Server } from "node:http";

  type Options = {
    /** Folder of the data; in memory if absent. */
    path?: string;
    createTableMs?: number;
    updateTableMs?: number;
    deleteTableMs?: number;
  };

  /** Not yet listening. Closing the server closes the data as well. */
  function dynalite(options?: Options): Server;
  export = dynalite;
}
