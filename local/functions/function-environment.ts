import { devNull } from "node:os";
import { localClientConfig } from "../../engine/local-client-config.ts";
import type { FunctionSpec } from "../template/interpret-template.ts";

/**
 * All the environment a function gets: what Lambda sets, what the template says, and where the
 * engine is. Nothing of the developer's own, which the function will not find on AWS either.
 *
 * @param machine what a process needs on this machine, such as PATH
 */
export function functionEnvironment(
  { id, codeFolder, handler, memoryMb, logLevel, environment }: FunctionSpec,
  endpoint: string,
  machine: Record<string, string | undefined>,
): Record<string, string | undefined> {
  const { region, credentials } = localClientConfig(endpoint);
  return {
    ...machine,
    TZ: ":UTC",
    LAMBDA_TASK_ROOT: codeFolder,
    _HANDLER: handler,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: id,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_FORMAT: "JSON",
    AWS_LAMBDA_LOG_LEVEL: logLevel,
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${id}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "local",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    // Else the SDK looks into the developer's home.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...environment,
  };
}
