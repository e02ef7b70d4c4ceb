/** The three routes of the protocol. */
export type Route = "claim" | "heartbeat" | "release";

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** A request of a program, and what became of it. Times are milliseconds since the case began. */
export type Exchange = {
  /** Which of the case's programs sent it, from 0. */
  program: number;
  route: Route;
  askedAtMs: number;
  sent: Fields;
  /** What the program was answered; absent where it was answered nothing. */
  answer?: Answered;
  /** What the examiner did to the answer, for people. */
  fault?: string;
};

type Answered = {
  atMs: number;
  status: number;
  /** Empty for an answer that is not the service's. */
  code: string;
  /** The right that the answer gives, counted from `askedAtMs`. */
  heldForMs?: number;
  /** The session that a claim was granted. */
  sessionId?: string;
};

/** What happened in a case, as the examiner saw it. */
export type CaseRecord = {
  exchanges: Exchange[];
  programs: ProgramRecord[];
};

export type ProgramRecord = {
  startedAtMs: number;
  /** When it printed or posted a TRADE, in order. */
  tradesAtMs: number[];
  /** Spans in which it was stopped by the examiner. */
  paused: { fromMs: number; untilMs: number }[];
  /** When it was told to stop, if it was. */
  toldToStopAtMs?: number;
  exited?: { atMs: number; how: string };
  /** What it printed besides TRADE lines, both streams. */
  output: string;
  /** TRADE lines that had no clock and came more than five at a time. */
  bursts: number;
};
