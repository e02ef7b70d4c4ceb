import { CommandError } from "../terminal/command-error.ts";

/** The table that was accessed; at a local engine if there is an endpoint. */
type AskedDatabase = { tableName?: string | undefined; endpoint?: string | undefined };

/** Turns an error of the SDK into a sentence: what failed, and what to do. */
export async function explainAwsError<Result>(
  asked: AskedDatabase,
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const sentence = error instanceof Error ? sentenceOf(error, asked) : undefined;
    throw sentence === undefined ? error : new CommandError(sentence);
  }
}

/** @returns `undefined` for an error that no SDK client has thrown */
export function sentenceOf(
  error: Error,
  { tableName, endpoint }: AskedDatabase,
): string | undefined {
  const { name, message } = error;
  if (/region is missing/i.test(message)) {
    return "No AWS Region is set: set AWS_REGION, or one in the profile (aws configure).";
  }
  if (/credentials|token/i.test(name)) {
    return `No access to AWS: ${message}. Log in (aws configure, aws sso login) or set AWS_PROFILE; "aws sts get-caller-identity" must work.`;
  }
  // Only errors thrown by an SDK client have this property.
  if (!("$metadata" in error)) return undefined;
  const metadata: { httpStatusCode?: number } = Object(error.$metadata);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const where = endpoint ?? "AWS";
  if (name === "ResourceNotFoundException" && tableName !== undefined) {
    return endpoint === undefined
      ? `There is no table ${tableName} in this account and Region; the stack's output TableName is its name.`
      : `There is no table ${tableName} at ${endpoint}; "npm start" creates it.`;
  }
  if (name === "TimeoutError" || code === "ETIMEDOUT") {
    return `${where} did not answer in time. If this was a change, it may have been made: check with show before you try again.`;
  }
  if (code === "ECONNREFUSED" && endpoint !== undefined) {
    return (
      `There is no database at ${endpoint}. Start it with "npm start", or say where it is with ` +
      "DYNAMODB_PORT or DYNAMODB_ENDPOINT; --stack NAME or --table NAME works on AWS."
    );
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "ECONNREFUSED") {
    return `${where} can't be reached (${code}): look at the network, and at ${endpoint === undefined ? "the Region and AWS_ENDPOINT_URL" : "DYNAMODB_ENDPOINT"}.`;
  }
  if (code !== undefined && metadata.httpStatusCode === undefined) {
    return /^(HPE_|EPROTO|ERR_SSL)/.test(code)
      ? `The server at ${where} is not DynamoDB (${code}).`
      : `The connection to ${where} failed (${code}). If this was a change, it may have been made: check with show before you try again.`;
  }
  if (name === "SyntaxError" || /^Unknown/.test(name) || /deserializ/i.test(message)) {
    const status =
      metadata.httpStatusCode === undefined ? "" : ` (HTTP ${metadata.httpStatusCode})`;
    return `The server at ${where} is not DynamoDB${status}.`;
  }
  return endpoint === undefined
    ? `AWS refused: ${name}: ${message}`
    : `The database at ${endpoint} refused: ${name}: ${message}`;
}
