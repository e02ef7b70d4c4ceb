declare module "dynalite" {
  type Options = {
    /** Folder of the data; in memory if absent. */
    path?: string;
    createTableMs?: number;
    updateTableMs?: number;
    deleteTableMs?: number;
  };

  /** Not yet listening. Closing the server closes the data as well. */
  export default function dynalite(options?: Options): import("node:http").Server;
}
