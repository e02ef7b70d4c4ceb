import { expect, test } from "vitest";
import { functionEnvironment } from "../../../local/functions/function-environment.ts";

const spec = {
  id: "Claim",
  codeFolder: "/code",
  handler: "index.handler",
  timeoutSeconds: 10,
  memoryMb: 256,
  logLevel: "INFO",
  environment: { TABLE_NAME: "Sessions" },
};

const bus = "http://127.0.0.1:2";

test("only with the embedded engine do functions know that there is one clock", () => {
  const endpoint = "http://127.0.0.1:8000";
  expect(functionEnvironment(spec, { endpoint, isOwn: true }, bus)).toMatchObject({
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    ONE_CLOCK: "true",
    TABLE_NAME: "Sessions",
  });
  expect(functionEnvironment(spec, { endpoint, isOwn: false }, bus)).not.toHaveProperty(
    "ONE_CLOCK",
  );
});
