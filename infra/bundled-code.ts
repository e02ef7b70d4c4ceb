import { join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { bundleFunction, lambdasFolder } from "./bundle-function.ts";

/** The code of a function: a file of `lambdas/` and all its imports in one `index.cjs`. */
export function bundledCode(entry: string): Code {
  return Code.fromAsset(lambdasFolder, {
    bundling: {
      // Required by CDK but never used: local bundling either succeeds or throws.
      image: DockerImage.fromRegistry("scratch"),
      // CDK treats two bundlings of one folder as the same asset unless their commands differ.
      command: [entry],
      local: {
        tryBundle(outputFolder) {
          bundleFunction(join(lambdasFolder, entry), join(outputFolder, "index.cjs"));
          return true;
        },
      },
    },
    assetHashType: AssetHashType.OUTPUT,
  });
}
