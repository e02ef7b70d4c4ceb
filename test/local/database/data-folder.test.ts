import { chmod, mkdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { dataProblem, makeDataFolder } from "../../../local/database/data-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => {
  vi.mocked(chmod).mockReset();
  vi.mocked(statfs).mockReset();
});

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe.skipIf(process.platform === "win32")("a folder of data", () => {
  test("can be looked into by nobody else, nor can the folders made for it", async () => {
    const dataFolder = join(await tempFolder(), "a", "b");
    const path = await makeDataFolder(dataFolder, "dynamodb");
    expect(path).toBe(join(dataFolder, "dynamodb"));
    expect(await modeOf(path)).toBe("700");
    expect(await modeOf(dataFolder)).toBe("700");
  });

  test("can be made by several starts at one moment", async () => {
    const dataFolder = join(await tempFolder(), "a", "b");
    const starts = Array.from({ length: 8 }, () => makeDataFolder(dataFolder, "dynamodb"));
    expect(new Set(await Promise.all(starts)).size).toBe(1);
  });

  test("that others could look into is closed to them", async () => {
    const dataFolder = await tempFolder();
    await mkdir(join(dataFolder, "dynamodb"), 0o755);
    expect(await modeOf(await makeDataFolder(dataFolder, "dynamodb"))).toBe("700");
  });

  test("of another user is not taken for one in use", async () => {
    vi.mocked(chmod).mockRejectedValue(Object.assign(new Error("no"), { code: "EPERM" }));
    const dataFolder = await tempFolder();
    await expect(makeDataFolder(dataFolder, "dynamodb")).rejects.toThrow(
      `DATA_DIR ${dataFolder} can't be used: permission denied. Set DATA_DIR to a folder that you may write to.`,
    );
  });

  test("on a full disk is refused before anything is written", async () => {
    const full = { ...(await statfs("/")), bavail: 2, bsize: 4096 };
    vi.mocked(statfs).mockResolvedValue(full);
    const dataFolder = await tempFolder();
    await expect(makeDataFolder(dataFolder, "dynamodb")).rejects.toThrow(
      `The disk of DATA_DIR ${dataFolder} is full: free some space, or set DATA_DIR to a folder on another disk.`,
    );
  });
});

describe("a problem with the data, while it is used, is a sentence:", () => {
  const failure = (message: string, code: string) => Object.assign(new Error(message), { code });

  test.each([
    [failure("IO error: x/3.log: No space left on device", "LEVEL_IO_ERROR"), "is full: free"],
    [failure("no space", "ENOSPC"), "is full: free"],
    [failure("Database is not open", "LEVEL_DATABASE_NOT_OPEN"), 'another "npm start"'],
    [failure("Iterator is not open", "LEVEL_ITERATOR_NOT_OPEN"), 'another "npm start"'],
    [failure("permission denied", "EACCES"), "permission denied"],
  ])("%s", (error, words) => {
    expect(dataProblem(error, ".local")).toContain(words);
  });

  test("but not what is something else", () => {
    expect(dataProblem(new TypeError("x is undefined"), ".local")).toBeUndefined();
    expect(dataProblem("text", ".local")).toBeUndefined();
  });
});
