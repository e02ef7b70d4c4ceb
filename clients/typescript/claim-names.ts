/**
 * Creates the ids of the claims of one process, in order: `random.process.number`. By the last two
 * parts the service recognises a late attempt at an earlier claim, which must not replace the
 * session of a later one.
 *
 * @param randomId returns a new id at each call: hex, at most 32 characters
 */
export function createClaimIds(randomId: () => string): () => string {
  let process: string | undefined;
  let claims = 0;
  return () => {
    process ??= randomId().slice(0, 16);
    return `${randomId()}.${process}.${++claims}`;
  };
}
