import { clockAllowanceMs } from "./clock-skew.ts";

/**
 * How long the caller holds the session, seconds, from the moment it sent the request: the lease less
 * what clocks may be off. A device's clock may run a sixtieth too slow: of 60 s, 4 go for the clocks of
 * two functions and 1 for the device's, so 55 are left. Whole seconds, rounded down; tenths of a lease
 * below 10 s, which only `npm start` grants.
 *
 * @param oneClock whether one process serves all requests, so that its clock agrees with itself
 * @param uncertainMs how much later than the API the function may have begun
 */
export function heldForSeconds(leaseMs: number, oneClock: boolean, uncertainMs: number): number {
  const allowanceMs = oneClock ? leaseMs / 12 : clockAllowanceMs;
  const heldMs = leaseMs - allowanceMs - leaseMs / 60 - uncertainMs;
  const stepMs = leaseMs < 10_000 ? 100 : 1_000;
  return (Math.max(0, Math.floor(heldMs / stepMs)) * stepMs) / 1_000;
}
