/** How a claim names itself: the run of this process, and which of its openings it belongs to. */
export type ClaimName = { runId: string; claimNumber: number };

/**
 * Creates the names of the openings of one process, in order. All attempts of one opening share a
 * name, so that the service recognises a late attempt of an earlier opening.
 *
 * @param randomId returns 16 to 64 printable ASCII characters. It is called once per process and
 *   its result is never stored, because a run id that is used again makes two runs look like one.
 */
export function createClaimNames(randomId: () => string): () => ClaimName {
  let runId: string | undefined;
  let openings = 0;
  return () => {
    runId ??= randomId();
    return { runId, claimNumber: ++openings };
  };
}
