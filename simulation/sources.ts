import { existsSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { pathToFileURL } from "node:url";
import type { Handler } from "../lambdas/http/handle-request.ts";
import { readSigningKeys } from "../lambdas/http/signing-keys.ts";
import type { functions, programs } from "./code-under-test.ts";
import type { Deployment, RouteName } from "./simulated-service.ts";

/** What the functions of every world sign with, for bots that have pinned it. */
const signingKeys = readSigningKeys(
  `ed25519-private:${Buffer.from("the key of the simulated service").toString("base64url")}`,
);

export const publicKeys: readonly string[] = signingKeys.map(({ publicKeyText }) => publicKeyText);

export type FunctionHandler = (
  event: {
    body: string;
    isBase64Encoded: boolean;
    rawPath?: string | undefined;
    requestContext: { timeEpoch: number; http?: { method: string } };
  },
  context: { awsRequestId: string },
) => Promise<{ statusCode: number; body: string; headers: Record<string, string> }>;

/** The code under test: the functions and the client, as they are or with a fault put back. */
export type Sources = typeof programs & {
  createHandler(
    route: RouteName,
    parts: { deployment: Deployment; client: { send: unknown }; now: () => number },
  ): FunctionHandler;
  /** An earlier version, if a deployment can have its rules. */
  earlier?: EarlierVersion;
};

/**
 * Loads the code under test.
 *
 * @param variant a name that `put-back.ts` knows; the code as it is without one
 */
export async function loadSources(variant?: string): Promise<Sources> {
  if (variant !== undefined) (await import("./put-back.ts")).allowPuttingBack();
  const { functions, programs }: typeof import("./code-under-test.ts") =
    variant === undefined
      ? await import("./code-under-test.ts")
      : await import(`./code-under-test.ts?put-back=${variant}`);
  return { ...programs, createHandler: handlersOf(functions) };
}

/** What an earlier version brings into a world. */
type EarlierVersion = Pick<Sources, "createHandler"> & {
  /** Programs may have its client; without it, all have the client of now. */
  openSession?: Sources["openSession"];
  /** The rules that it keeps; without them, all. */
  keeps?: ReadonlySet<string>;
};

/** The code under test, deployed in the middle of each world over an earlier version. */
export function deployedOver(earlier: EarlierVersion, sources: Sources): Sources {
  return {
    ...sources,
    earlier,
    createHandler: (route, parts) =>
      (parts.deployment.rules === "earlier" ? earlier : sources).createHandler(route, parts),
  };
}

/** What 0.1.0 kept already, and what must hold while it is deployed over, and back to. */
const keptEarlier: ReadonlySet<string> = new Set([
  "one device at a time",
  "no right without a confirmed request",
  "nothing is taken from a live holder",
  "a timer never runs backwards",
  "tokens never go back",
  "no error but those of the world",
  "after the faults, who should hold does",
  "the key of a dead bot is free at the instant it lapses",
]);

/**
 * Loads functions and client of an earlier version.
 *
 * @param folder a checkout of it, after `npm ci`
 */
export async function loadEarlier(folder: string): Promise<EarlierVersion> {
  // What earlier versions read when a handler is imported; each instance brings settings of its own.
  Object.assign(env, {
    AWS_REGION: "local",
    TABLE_NAME: "unused",
    SESSION_TIMEOUT_SECONDS: "60",
    MULTI_SYMBOL_SESSIONS: "true",
  });
  // As up to 0.1.0.
  const isOld = existsSync(join(folder, "lambdas/sessions/table.ts"));
  const files = [
    ...["claim", "heartbeat", "release"].map((name) =>
      isOld ? `lambdas/${name}-handler.ts` : `lambdas/routes/${name}-route.ts`,
    ),
    isOld ? "lambdas/sessions/table.ts" : "lambdas/store/table.ts",
    "clients/typescript/claim-and-keep.ts",
  ];
  const modules = await Promise.all(
    files.map((file) => import(pathToFileURL(join(folder, file)).href)),
  );
  const { claimAndKeep, ...its } = Object.assign({}, ...modules);
  return { createHandler: handlersOf(its), openSession: claimAndKeep, keeps: keptEarlier };
}

function handlersOf(its: typeof functions): Sources["createHandler"] {
  const makers = {
    claim: its.claimHandler,
    check: its.claimHandler,
    heartbeat: its.heartbeatHandler,
    release: its.releaseHandler,
  };
  return (route, { deployment, client, now }) => {
    const settings = {
      ...deployment,
      tableName: "Sessions",
      oneClock: false,
      askForRefusedItem: false,
    };
    const table = its.openTable({ ...settings, client: asClient(client) });
    return asFunction(makers[route]({ settings, table, now, signingKeys }));
  };
}

/** The model of the table answers the commands that are sent; it has nothing else of a client. */
function asClient(client: unknown) {
  return client as Parameters<(typeof functions)["openTable"]>[0]["client"];
}

/** The handlers read no more of the event than this, and always give a whole result. */
function asFunction(handler: Handler): FunctionHandler {
  return handler as unknown as FunctionHandler;
}
