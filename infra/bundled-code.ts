import { join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { bundleFunction, lambdasFolder } from "./bundle-function.ts";

/** The code of a function: `lambdas/NAME-handler.ts` with all that it imports, as one `index.cjs`. */
export function bundledCode(name: string): Code {
  return Code.fromAsset(lambdasFolder, {
    bundling: {
      // Never used: the bundle below is made, or throws.
      image: DockerImage.fromRegistry("scratch"),
      // CDK takes two bundlings of one folder for the same unless their commands differ.
      command: [name],
      local: {
        tryBundle(outputFolder) {
          bundleFunction(
            join(lambdasFolder, `${name}-handler.ts`),
            join(outputFolder, "index.cjs"),
          );
          return true;
        },
      },
    },
    assetHashType: AssetHashType.OUTPUT,
  });
}
