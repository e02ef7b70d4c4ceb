/**
 * Makes the ids of the claims of one process, in the order of its openings: `random.process.number`.
 * By the last two the service knows an attempt of an earlier opening that arrives late, which must
 * not replace the session of a later one.
 *
 * @param randomId a new id at each call: hex, at most 32 characters
 */
export function createClaimIds(randomId: () => string): () => string {
  let process: string | undefined;
  let openings = 0;
  return () => {
    process ??= randomId().slice(0, 16);
    return `${randomId()}.${process}.${++openings}`;
  };
}
