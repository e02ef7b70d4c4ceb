import { env } from "node:process";

// The handler modules read these when they are loaded. Each part then creates its own service.
Object.assign(env, {
  TABLE_NAME: "unused",
  SESSION_TIMEOUT_SECONDS: "60",
  MULTI_SYMBOL_SESSIONS: "true",
  AWS_REGION: "local",
});

// The functions' log lines must not appear in the result.
console.info = () => {};
