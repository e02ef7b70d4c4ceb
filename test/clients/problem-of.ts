import {
  openSession,
  type SessionOptions,
  type SessionStatus,
} from "../../clients/typescript/open-session.ts";

/** What the first attempt to open a session failed by, however long it takes; it is given up then. */
export async function problemOf(options: SessionOptions): Promise<string | undefined> {
  const givenUp = new AbortController();
  let problem: string | undefined;
  const onStatus = (status: SessionStatus) => {
    if (status.state !== "opening") return;
    problem ??= status.problem;
    givenUp.abort();
  };
  const times = { openWithinMs: 3_600_000, requestTimeoutMs: 600_000 };
  await openSession({ ...options, ...times, signal: givenUp.signal, onStatus }).catch(() => {});
  return problem;
}
