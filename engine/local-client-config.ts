/**
 * What a client of a local engine is made with. The values are as good as any other, but must be
 * the same everywhere: DynamoDB Local keeps separate tables for each region and access key.
 */
export function localClientConfig(endpoint: string): {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
} {
  return {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
}
