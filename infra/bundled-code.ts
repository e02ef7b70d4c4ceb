import { join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";

const lambdasFolder = join(import.meta.dirname, "..", "lambdas");

/**
 * The code of a function: `lambdas/NAME.ts` with all that it imports, the SDK included, as one
 * ES module `index.mjs`. Names stay as they are, so that a stack trace can be read.
 */
export function bundledCode(name: string): Code {
  return Code.fromAsset(lambdasFolder, {
    bundling: {
      // Never used: the bundle below is made, or throws.
      image: DockerImage.fromRegistry("scratch"),
      // CDK takes two bundlings of one folder for the same unless their commands differ.
      command: [name],
      local: {
        tryBundle(outputFolder) {
          buildSync({
            entryPoints: [join(lambdasFolder, `${name}.ts`)],
            outfile: join(outputFolder, "index.mjs"),
            bundle: true,
            format: "esm",
            platform: "node",
            target: "node24",
            // The SDK's ES modules can be shaken, its CommonJS can't.
            mainFields: ["module", "main"],
            minifySyntax: true,
            minifyWhitespace: true,
            legalComments: "none",
            logLevel: "warning",
          });
          return true;
        },
      },
    },
    assetHashType: AssetHashType.OUTPUT,
  });
}
