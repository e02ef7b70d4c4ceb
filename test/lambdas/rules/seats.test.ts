import { expect, test } from "vitest";
import { holds } from "../../../lambdas/rules/predicate.ts";
import { hasSeats } from "../../../lambdas/rules/seats.ts";

test("the condition of a first write never takes a full license for one with seats", () => {
  for (const wanted of [1, 2, 4, 20, 64, 99, 100]) {
    const symbols = Array.from({ length: wanted }, (_, index) => `NEW${index}`);
    const condition = hasSeats(symbols);
    for (let held = 0; held <= 100; held++) {
      const sessions = Object.fromEntries(
        Array.from({ length: held }, (_, index) => [`S${index}`, {}]),
      );
      for (const max_sessions of [held + wanted - 1, held + wanted, 100]) {
        const looksFree = holds(condition, { sessions, max_sessions });
        if (held + wanted > max_sessions) expect(looksFree).toBe(false);
        // On an empty license the first write is enough, whatever the number.
        if (held === 0 && wanted <= max_sessions) expect(looksFree).toBe(true);
        if (wanted === 1 && held < max_sessions) expect(looksFree).toBe(true);
      }
    }
  }
});
