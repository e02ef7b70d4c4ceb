/** The parameters of each part of the benchmark. */
export type Context = {
  /** How many measurements of each kind. They alternate with what they are compared with. */
  runs: number;
  /** How long the throughput is measured for each number of connections. */
  seconds: number;
  /** The time limit for filling a table to its next size. */
  fillMinutes: number;
  /** A line for people, on stderr. */
  progress: (line: string) => void;
  /** Aborts on Ctrl-C. */
  signal: AbortSignal;
};
