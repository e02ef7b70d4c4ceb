import { expect, test } from "vitest";
import { monthsOf } from "../../../ops/console/page/words.ts";

test("a device counts in each month in which it held, and not only in that of its claim", () => {
  const local = (month: number, day: number) => new Date(2026, month - 1, day, 12).getTime();
  const counted = (from: number, until: number) => monthsOf({ from, until }).length;
  expect(counted(local(9, 30), local(11, 2))).toBe(3);
  expect(counted(local(11, 1), local(11, 30))).toBe(1);
  expect(counted(local(12, 31), local(13, 1))).toBe(2);
});
