import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundleFunction } from "../infra/bundle-function.ts";
import { buildBareBundle } from "./bare-bundle.ts";

export type Bundle = { name: string; file: string; rawBytes: number; gzippedBytes: number };

/** The deployed bundles and the bare one, which comes first, in a temporary folder. */
type Bundles = AsyncDisposable & Record<"bare" | FunctionName, Bundle>;

type FunctionName = "claim" | "heartbeat" | "release";

export async function buildBundles(): Promise<Bundles> {
  const folder = await mkdtemp(join(tmpdir(), "license-sessions-bench-"));
  const bundle = async (name: string, build: (file: string) => void): Promise<Bundle> => {
    const file = join(folder, `${name}.cjs`);
    build(file);
    const bytes = await readFile(file);
    return { name, file, rawBytes: bytes.length, gzippedBytes: gzipSync(bytes).length };
  };
  const ours = (name: FunctionName) =>
    bundle(name, (file) =>
      bundleFunction(join(import.meta.dirname, "..", "lambdas", `${name}-handler.ts`), file),
    );
  return {
    bare: await bundle("bare", buildBareBundle),
    claim: await ours("claim"),
    heartbeat: await ours("heartbeat"),
    release: await ours("release"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
