import { expect, onTestFinished, test, vi } from "vitest";
import { randomLicenseKey } from "../../../ops/data/random-license-key.ts";

test("a key can't be guessed from what Math.random gives", () => {
  const guessable = vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => guessable.mockRestore());
  const keys = Array.from({ length: 100 }, randomLicenseKey);
  expect(new Set(keys).size).toBe(100);
  expect(guessable).not.toHaveBeenCalled();
});

test("a key uses all letters and digits but O, 0, I and 1, in four groups of four", () => {
  const keys = Array.from({ length: 500 }, randomLicenseKey);
  for (const key of keys) expect(key).toMatch(/^[A-HJ-NP-Z2-9]{4}(-[A-HJ-NP-Z2-9]{4}){3}$/);
  expect(new Set(keys.join("")).size).toBe(32 + 1);
});
