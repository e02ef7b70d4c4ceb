import { spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { stillClockSource } from "./still-clock-source.ts";

/** Makes monotonic clocks that can be made to stand still, as they do while a machine is suspended. */
export type StillClock = NonNullable<ReturnType<typeof buildStillClock>>;

/**
 * Compiles the library that is loaded into programs.
 *
 * @returns nothing where there is no C compiler, or no Linux
 */
export function buildStillClock() {
  if (process.platform !== "linux") return undefined;
  const folder = mkdtempSync(join(tmpdir(), "check-bot-"));
  const library = join(folder, "still-clock.so");
  const source = join(folder, "still-clock.c");
  writeFileSync(source, stillClockSource);
  const words = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-pthread"];
  const built = spawnSync("cc", words, { encoding: "utf8" });
  if (built.status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  let programs = 0;
  return {
    forProgram: () => {
      const path = join(folder, `clock-${++programs}`);
      const file = openSync(path, "w+");
      // Two numbers of 64 bits: what the clocks are behind, and how often they were read.
      ftruncateSync(file, 16);
      let behindNs = 0n;
      return {
        variables: { LD_PRELOAD: library, CHECK_BOT_CLOCK: path },
        /** Called before the program goes on; a little less than it was stopped, as no clock may go back. */
        standStillFor: (milliseconds: number) => {
          behindNs += BigInt(Math.max(0, Math.round(milliseconds - 20))) * 1_000_000n;
          const bytes = Buffer.alloc(8);
          bytes.writeBigInt64LE(behindNs);
          writeSync(file, bytes, 0, 8, 0);
        },
        wasRead: () => {
          const bytes = Buffer.alloc(8);
          readSync(file, bytes, 0, 8, 8);
          return bytes.readBigInt64LE() > 0n;
        },
        close: () => closeSync(file),
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
