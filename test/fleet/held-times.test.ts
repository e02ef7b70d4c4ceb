import { describe, expect, test } from "vitest";
import { openHeldTimes, overlapsOf } from "../../fleet/held-times.ts";

describe("the verdict of a fleet", () => {
  test("is clean where one device follows another, even at the very instant", () => {
    const rights = openHeldTimes();
    rights.confirmed(1, "a", 0, 100, 60_000);
    rights.confirmed(1, "a", 20_000, 20_100, 60_000);
    rights.confirmed(1, "b", 79_900, 80_000, 60_000);
    expect(rights.all).toHaveLength(2);
    expect(overlapsOf(rights.all)).toEqual([]);
  });

  test("names the devices and the time where two had a right at once", () => {
    const rights = openHeldTimes();
    rights.confirmed(1, "a", 0, 100, 60_000);
    rights.confirmed(1, "b", 59_000, 59_999, 60_000);
    expect(overlapsOf(rights.all)).toEqual([
      { license: 1, devices: ["a", "b"], fromMs: 59_999, toMs: 60_000 },
    ]);
  });

  test("counts a right from when the request was sent, not from when the answer came", () => {
    const rights = openHeldTimes();
    rights.confirmed(1, "a", 0, 4_000, 60_000);
    expect(rights.heldAt(59_999)).toBe(1);
    expect(rights.heldAt(60_000)).toBe(0);
  });

  test("ends a right that was given up or refused", () => {
    const rights = openHeldTimes();
    rights.confirmed(1, "a", 0, 100, 60_000);
    rights.over(1, "a", 5_000);
    rights.confirmed(1, "b", 5_000, 5_100, 60_000);
    expect(overlapsOf(rights.all)).toEqual([]);
  });

  test("keeps licenses apart", () => {
    const rights = openHeldTimes();
    rights.confirmed(1, "a", 0, 100, 60_000);
    rights.confirmed(2, "b", 0, 100, 60_000);
    expect(overlapsOf(rights.all)).toEqual([]);
  });
});
