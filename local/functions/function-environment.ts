import { devNull } from "node:os";
import { localClientConfig } from "../../ops/data/local-engine.ts";
import type { Engine } from "../database/start-engine.ts";
import type { FunctionSpec } from "../template/interpret-template.ts";

/**
 * The complete environment of a function: what Lambda sets, what the template says, and the address
 * of the engine and of the event bus. The developer's own variables are left out, because they don't
 * exist on AWS either.
 */
export function functionEnvironment(
  { id, codeFolder, handler, memoryMb, logLevel, environment }: FunctionSpec,
  { endpoint, isOwn }: Pick<Engine, "endpoint" | "isOwn">,
  eventsEndpoint: string,
): Record<string, string> {
  const { region, credentials } = localClientConfig(endpoint);
  return {
    LAMBDA_TASK_ROOT: codeFolder,
    _HANDLER: handler,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: id,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_LEVEL: logLevel,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: eventsEndpoint,
    // Keeps the SDK from reading the developer's configuration files.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    // Functions on several machines share an engine of somebody else's, but no clock.
    ...(isOwn && { ONE_CLOCK: "true" }),
    ...environment,
  };
}
