/**
 * Replaces the SDK's discovery of endpoints in the bundles (see `infra/bundle-function.ts`): a
 * region of DynamoDB has one endpoint.
 */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: () => undefined,
  configFileSelector: () => undefined,
  default: undefined,
};

export const resolveEndpointDiscoveryConfig = <Config>(config: Config): Config => config;
