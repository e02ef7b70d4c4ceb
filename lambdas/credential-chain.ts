/**
 * Replaces the SDK's chain of credential providers in the bundles (see `infra/bundle-function.ts`).
 * SSO, profiles, processes and instance metadata are not needed: Lambda passes credentials only in
 * the environment.
 */
export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";
