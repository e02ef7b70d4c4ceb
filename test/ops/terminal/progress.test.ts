import { expect, test } from "vitest";
import { shareText } from "../../../ops/terminal/progress.ts";

test.for([
  [0, 400, 0, "0 of 400 rows (0%), 0 rows/s, ..."],
  [60, 400, 2_000, "60 of 400 rows (15%), 30 rows/s, 12 s left"],
  [399, 400, 1_000, "399 of 400 rows (99%), 399 rows/s, 1 s left"],
  [1_000, 100_000, 10_000, "1000 of 100000 rows (1%), 100 rows/s, 17 min left"],
] as const)("%i of %i rows after %i ms: %s", ([done, all, elapsedMs, text]) => {
  expect(shareText(done, all, elapsedMs)).toBe(text);
});
