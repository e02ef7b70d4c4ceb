/** What each part of the benchmark is given. */
export type Context = {
  /** How many measurements of each kind, in turn with those they are compared with. */
  runs: number;
  /** How long one point of the throughput is measured. */
  seconds: number;
  /** How long the filling of a table to its next size may take. */
  fillMinutes: number;
  /** A line for people, on stderr. */
  progress: (line: string) => void;
  /** Aborts on Ctrl-C. */
  signal: AbortSignal;
};
