/** What can be found wrong with a program, with the section of docs/bots.md that says what to do. */
export const findingSections = {
  "no-claim": "claim",
  "did-not-open": "trouble-on-the-way",
  "traded-without-right": "the-right",
  "stopped-with-right": "the-right",
  "did-not-return": "trouble-on-the-way",
  "ended-with-right": "trouble-on-the-way",
  "beat-too-rarely": "heartbeats",
  "beat-too-often": "heartbeats",
  "asked-too-often": "trouble-on-the-way",
  "ignored-retry-after": "trouble-on-the-way",
  "claimed-again": "what-to-do-for-each-answer",
  "claimed-too-early": "what-to-do-for-each-answer",
  "run-not-named": "claim",
  "claim-number-wrong": "claim",
  "session-not-named": "heartbeats",
  "not-released": "stopping",
  "released-wrong-session": "stopping",
  "leaked-key": "check-your-bot",
  "trade-lines-held-back": "check-your-bot",
} as const;

export type FindingKind = keyof typeof findingSections;

/** Something that a program did wrong in a case. */
export type Finding = {
  kind: FindingKind;
  /** What it did, and when. */
  text: string;
  /** How long it traded without right, where that is what it did. */
  seconds?: number;
  /** When it began, since the case began. */
  atMs: number;
};
