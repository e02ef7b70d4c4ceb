import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { env } from "node:process";
import { pathToFileURL } from "node:url";
import type { SessionCheck } from "../clients/typescript/check-session.ts";
import type { Runtime } from "../clients/typescript/runtime.ts";
import type { Session, SessionOptions } from "../clients/typescript/session.ts";
import type { Handler } from "../lambdas/http/handle-request.ts";
import { readSigningKeys } from "../lambdas/http/signing-keys.ts";
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
    rawPath?: string;
    requestContext: { timeEpoch: number; http?: { method: string } };
  },
  context: { awsRequestId: string },
) => Promise<{ statusCode: number; body: string; headers: Record<string, string> }>;

/** The code under test: the functions and the client, as they are or with a fault put back. */
export type Sources = {
  createHandler(
    route: RouteName,
    parts: { deployment: Deployment; client: { send: unknown }; now: () => number },
  ): FunctionHandler;
  /** An earlier version, if a deployment can have its rules. */
  earlier?: EarlierVersion;
  openSession(options: SessionOptions, runtime: Runtime): Promise<Session>;
  checkSession(options: SessionOptions, runtime: Runtime): Promise<SessionCheck>;
  /** What an answer of the table proves of the clock of the function that asked. */
  provenDifferenceMs(sentMs: number, receivedMs: number, dateMs: number): number;
  checkAgainstDate: typeof import("../lambdas/rules/clock-skew.ts").checkAgainstDate;
  lapseReporter: typeof import("../lambdas/lapses/report-lapses.ts").lapseReporter;
  endSeenSession: typeof import("../ops/data/end-seen-session.ts").endSeenSession;
  getLicense: typeof import("../ops/data/get-license.ts").getLicense;
  getItem: typeof import("../ops/data/get-license.ts").getItem;
  attributeChange: typeof import("../ops/data/change-license.ts").attributeChange;
  changeLicense: typeof import("../ops/data/change-license.ts").changeLicense;
  createLicense: typeof import("../ops/data/create-license.ts").createLicense;
  deleteLicense: typeof import("../ops/data/delete-license.ts").deleteLicense;
  rekeyLicense: typeof import("../ops/data/rekey-license.ts").rekeyLicense;
  writeRow: typeof import("../ops/import/write-row.ts").writeRow;
};

/**
 * Loads the code under test.
 *
 * @param variant a name that `put-back.ts` knows; the code as it is without one
 */
export async function loadSources(variant?: string): Promise<Sources> {
  // What a handler file reads when it is imported; each instance brings settings of its own.
  const missing = {
    TABLE_NAME: "unused",
    SESSION_TIMEOUT_SECONDS: "60",
    MULTI_SYMBOL_SESSIONS: "true",
  };
  for (const [name, value] of Object.entries({ AWS_REGION: "local", ...missing }))
    env[name] ??= value;

  if (variant !== undefined) (await import("./put-back.ts")).allowPuttingBack();
  const query = variant === undefined ? "" : `?put-back=${variant}`;
  const [createHandler, skew, opening, checking, ending, getting, rekeying, rows, ...verbs] =
    await Promise.all([
      loadFunctions("../lambdas", query),
      importing<typeof import("../lambdas/rules/clock-skew.ts")>(
        `../lambdas/rules/clock-skew.ts${query}`,
      ),
      importing<typeof import("../clients/typescript/claim-and-keep.ts")>(
        `../clients/typescript/claim-and-keep.ts${query}`,
      ),
      importing<typeof import("../clients/typescript/check-session.ts")>(
        `../clients/typescript/check-session.ts${query}`,
      ),
      importing<typeof import("../ops/data/end-seen-session.ts")>(
        `../ops/data/end-seen-session.ts${query}`,
      ),
      importing<typeof import("../ops/data/get-license.ts")>(`../ops/data/get-license.ts${query}`),
      importing<typeof import("../ops/data/rekey-license.ts")>(
        `../ops/data/rekey-license.ts${query}`,
      ),
      importing<typeof import("../ops/import/write-row.ts")>(`../ops/import/write-row.ts${query}`),
      importing<typeof import("../ops/data/change-license.ts")>(
        `../ops/data/change-license.ts${query}`,
      ),
      importing<typeof import("../ops/data/create-license.ts")>(
        `../ops/data/create-license.ts${query}`,
      ),
      importing<typeof import("../ops/data/delete-license.ts")>(
        `../ops/data/delete-license.ts${query}`,
      ),
      importing<typeof import("../lambdas/lapses/report-lapses.ts")>(
        `../lambdas/lapses/report-lapses.ts${query}`,
      ),
    ]);
  const [changing, creating, deleting, reporting] = verbs;
  return {
    createHandler,
    openSession: opening.claimAndKeep,
    checkSession: checking.askUntilAnswered,
    provenDifferenceMs: skew.provenDifferenceMs,
    checkAgainstDate: skew.checkAgainstDate,
    lapseReporter: reporting.lapseReporter,
    endSeenSession: ending.endSeenSession,
    getLicense: getting.getLicense,
    getItem: getting.getItem,
    attributeChange: changing.attributeChange,
    changeLicense: changing.changeLicense,
    createLicense: creating.createLicense,
    deleteLicense: deleting.deleteLicense,
    rekeyLicense: rekeying.rekeyLicense,
    writeRow: rows.writeRow,
  };
}

/** What an earlier version brings into a world. */
export type EarlierVersion = Pick<Sources, "createHandler"> & {
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
  const [createHandler, { claimAndKeep }] = await Promise.all([
    loadFunctions(pathToFileURL(resolve(folder, "lambdas")).href, ""),
    importing<typeof import("../clients/typescript/claim-and-keep.ts")>(
      pathToFileURL(resolve(folder, "clients/typescript/claim-and-keep.ts")).href,
    ),
  ]);
  return { createHandler, openSession: claimAndKeep, keeps: keptEarlier };
}

/** Where a version has its routes and its table: as now, or as up to 0.1.0. */
const layouts = [
  { routes: "routes/", suffix: "-route.ts", table: "store/table.ts" },
  { routes: "", suffix: "-handler.ts", table: "sessions/table.ts" },
];

async function loadFunctions(folder: string, query: string): Promise<Sources["createHandler"]> {
  const { routes, suffix, table: tablePath } = await layoutOf(folder);
  const [claim, heartbeat, release, tables] = await Promise.all([
    importing<typeof import("../lambdas/routes/claim-route.ts")>(
      `${folder}/${routes}claim${suffix}${query}`,
    ),
    importing<typeof import("../lambdas/routes/heartbeat-route.ts")>(
      `${folder}/${routes}heartbeat${suffix}${query}`,
    ),
    importing<typeof import("../lambdas/routes/release-route.ts")>(
      `${folder}/${routes}release${suffix}${query}`,
    ),
    importing<typeof import("../lambdas/store/table.ts")>(`${folder}/${tablePath}${query}`),
  ]);
  const makers = {
    claim: claim.claimHandler,
    check: claim.claimHandler,
    heartbeat: heartbeat.heartbeatHandler,
    release: release.releaseHandler,
  };
  return (route, { deployment, client, now }) => {
    const settings = {
      tableName: "Sessions",
      sessionTimeoutMs: deployment.sessionTimeoutMs,
      multiSymbolSessions: deployment.multiSymbolSessions,
      legacyBots: deployment.legacyBots,
      oneClock: false,
      askForRefusedItem: false,
    };
    const table = tables.openTable({ ...settings, client: asClient(client) });
    return asFunction(makers[route]({ settings, table, now, signingKeys }));
  };
}

async function layoutOf(folder: string) {
  const url = new URL(`${folder}/`, import.meta.url);
  for (const layout of layouts) {
    const isThere = await access(new URL(layout.table, url)).then(
      () => true,
      () => false,
    );
    if (isThere) return layout;
  }
  throw new Error(`${folder} has no table that this version knows`);
}

async function importing<Module>(path: string): Promise<Module> {
  return (await import(path)) as Module;
}

/** The model of the table answers the commands that are sent; it has nothing else of a client. */
function asClient(client: unknown) {
  return client as Parameters<typeof import("../lambdas/store/table.ts").openTable>[0]["client"];
}

/** The handlers read no more of the event than this, and always give a whole result. */
function asFunction(handler: Handler): FunctionHandler {
  return handler as unknown as FunctionHandler;
}
