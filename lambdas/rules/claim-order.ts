/**
 * The end of a claim id, which gives the order of the claims of one process. The process name has
 * at least 8 characters: a shorter one may be a process id, which the system reuses.
 */
const orderInProcess = /\.([0-9A-Za-z_-]{8,})\.(\d{1,9})$/;

/**
 * Whether both ids come from the same process and the first belongs to an earlier claim. Ids that
 * don't end in `.process.number` have no order, so neither is earlier.
 */
export function isEarlierClaim(claimId: string, thanClaimId: string): boolean {
  const [, process, number] = orderInProcess.exec(claimId) ?? [];
  const [, otherProcess, otherNumber] = orderInProcess.exec(thanClaimId) ?? [];
  // An id without an order gives NaN, and no comparison with NaN is true.
  return process === otherProcess && Number(number) < Number(otherNumber);
}
