/**
 * The end of an id that says where its claim stands among those of its process. The process is named by
 * 8 characters or more; fewer may be something else, such as a process id, which is used again later.
 */
const orderInProcess = /\.([0-9A-Za-z_-]{8,})\.(\d{1,9})$/;

/**
 * Whether both ids are of one process, and the first of an earlier claim than the second. Ids that
 * don't end in `.process.number` are in no order: of two of them, neither is earlier.
 */
export function isEarlierClaim(claimId: string, thanClaimId: string): boolean {
  const [, process, number] = orderInProcess.exec(claimId) ?? [];
  const [, otherProcess, otherNumber] = orderInProcess.exec(thanClaimId) ?? [];
  // Of an id in no order the number is NaN, which is less than none.
  return process === otherProcess && Number(number) < Number(otherNumber);
}
