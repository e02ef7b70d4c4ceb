import { monitorEventLoopDelay } from "node:perf_hooks";

/** What the timer itself may be late by, on a machine that is not busy. */
const resolutionMs = 10;

/** Measures by how much the examiner itself was late, at worst, until `stop`. */
export function measureLag() {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return {
    stop: (): number => {
      delay.disable();
      return Math.max(0, delay.max / 1e6 - 2 * resolutionMs);
    },
  };
}
