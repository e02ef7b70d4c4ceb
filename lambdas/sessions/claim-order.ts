/** How an id ends that says where its opening stands among those of its process. */
const orderInProcess = /\.([0-9A-Za-z_-]+)\.(\d{1,9})$/;

/**
 * Whether both ids are of one process, and the first of an earlier opening than the second. Ids that
 * don't end in `.process.number` are in no order: of two of them, neither is earlier.
 */
export function isEarlierOpening(claimId: string, thanClaimId: string): boolean {
  const [, process, opening] = orderInProcess.exec(claimId) ?? [];
  const [, otherProcess, otherOpening] = orderInProcess.exec(thanClaimId) ?? [];
  return (
    process !== undefined && process === otherProcess && Number(opening) < Number(otherOpening)
  );
}
