/**
 * Stands for the SDK's chain of credential providers in the bundles (see `infra/bundle-function.ts`):
 * SSO, profiles, processes, instance metadata. Lambda has credentials in the environment alone.
 */
export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";
