import { randomUUID } from "node:crypto";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import {
  claimRoute,
  type DocumentedRoute,
  heartbeatRoute,
  releaseRoute,
} from "../../contract/routes.ts";
import type { RouteName } from "../../infra/routes.ts";
import type { Handler } from "../../lambdas/http/handle-request.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import type { Session, Stored } from "../../lambdas/rules/entry.ts";
import type { License } from "../../lambdas/rules/license.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { createLicense, type NewLicense } from "../../ops/data/create-license.ts";
import { type EndOptions, endSeenSession } from "../../ops/data/end-seen-session.ts";
import { licenseItemSchema } from "../../ops/data/license-item.ts";
import { defaultSettings } from "./default-settings.ts";
import { expectDocumented } from "./documented.ts";
import { clientFor, type Engine } from "./engines.ts";

export type Reply = { status: number; body: Record<string, unknown> };

type Ask = (body: unknown) => Promise<Reply>;

/** A license as it is stored, which is also what nobody should have written. */
export type StoredLicense = Omit<License, "sessions" | "portfolios"> & {
  sessions: Record<string, StoredEntry>;
  portfolios?: Record<string, StoredEntry>;
};

type StoredEntry = Readonly<Record<string, unknown>>;

/** The three functions on a real engine, with a clock that stands until it is moved. */
export type TestService = {
  validate: Ask;
  heartbeat: Ask;
  release: Ask;
  /** The clock of the functions, epoch milliseconds. */
  nowMs(): number;
  passMs(milliseconds: number): void;
  passSeconds(seconds: number): void;
  /** Makes a license with a key of its own and returns the key. */
  license(attributes?: Partial<NewLicense>): Promise<string>;
  item(licenseKey: string): Promise<StoredLicense | undefined>;
  /** What a device holds, as it is stored. */
  session(licenseKey: string, symbol?: string): Promise<Stored<Session> | undefined>;
  /** As an operator ends it. */
  endSession(licenseKey: string, symbol?: string, options?: EndOptions): Promise<void>;
  /** Replaces the functions by ones with other settings. Stored data stays. */
  deploy(options: TestServiceOptions): void;
  /** Changes attributes of a license, as an operator would. */
  change(licenseKey: string, attributes: Partial<StoredLicense>): Promise<void>;
  /** The commands the functions have sent since the last time this was asked. */
  takeCalls(): string[];
};

export type TestServiceOptions = {
  sessionTimeoutSeconds?: number;
  multiSymbolSessions?: boolean;
  legacyBots?: boolean;
};

export function openTestService(
  { endpoint, tableName }: Engine,
  options: TestServiceOptions = {},
): TestService {
  let nowMs = Date.UTC(2026, 0, 5, 12);
  const client = DynamoDBDocumentClient.from(clientFor(endpoint));
  const watchedClient = DynamoDBDocumentClient.from(clientFor(endpoint));
  let calls: string[] = [];
  watchedClient.middlewareStack.add(
    (next, context) => (args) => {
      calls.push(String(context.commandName).replace(/Command$/, ""));
      return next(args);
    },
    { step: "initialize" },
  );
  const table = openTable({ client: watchedClient, tableName });
  let functions = deployed(options);

  function deployed({
    sessionTimeoutSeconds = 60,
    multiSymbolSessions = true,
    legacyBots = false,
  }: TestServiceOptions) {
    const service: Service = {
      settings: {
        sessionTimeoutMs: sessionTimeoutSeconds * 1000,
        multiSymbolSessions,
        legacyBots,
        oneClock: false,
      },
      table,
      now: () => nowMs,
      // The test's clock stands still, so a real timeout must never fire.
      answerWithinMs: 2 ** 31 - 1,
    };
    const { claim, heartbeat, release } = handlersOf(service);
    return {
      validate: asker(claim, () => nowMs),
      heartbeat: asker(heartbeat, () => nowMs),
      release: asker(release, () => nowMs),
    };
  }

  async function item(licenseKey: string): Promise<StoredLicense | undefined> {
    const { Item } = await client.send(
      new GetCommand({
        TableName: tableName,
        Key: { license_id: licenseIdOf(licenseKey) },
        ConsistentRead: true,
      }),
    );
    return Item as StoredLicense | undefined;
  }

  return {
    validate: documented(claimRoute, (body) => functions.validate(body)),
    heartbeat: documented(heartbeatRoute, (body) => functions.heartbeat(body)),
    release: documented(releaseRoute, (body) => functions.release(body)),
    deploy(changed) {
      functions = deployed(changed);
    },
    nowMs: () => nowMs,
    passMs(milliseconds) {
      nowMs += milliseconds;
    },
    passSeconds(seconds) {
      nowMs += seconds * 1000;
    },
    async license(attributes = {}) {
      const licenseKey = attributes.licenseKey ?? `KEY-${randomUUID()}`;
      await createLicense({ client, tableName }, { licenseKey, ...attributes }, nowMs);
      return licenseKey;
    },
    item,
    async session(licenseKey, symbol = "*") {
      const entry = (await item(licenseKey))?.sessions[symbol];
      return entry?.session_id === undefined ? undefined : (entry as Stored<Session>);
    },
    async endSession(licenseKey, symbol = "*", options = {}) {
      const stored = licenseItemSchema.parse(await item(licenseKey));
      const note = { by: "ada@desk", atMs: nowMs };
      const ended = await endSeenSession({ client, tableName }, stored, symbol, options, note);
      if (ended.code !== "ended") throw new Error(`Nobody holds ${symbol}`);
    },
    async change(licenseKey, attributes) {
      const Item = { ...(await item(licenseKey)), ...attributes };
      await client.send(new PutCommand({ TableName: tableName, Item }));
    },
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}

export function handlersOf(service: Service): Record<RouteName, Handler> {
  return {
    claim: claimHandler(service),
    heartbeat: heartbeatHandler(service),
    release: releaseHandler(service),
  };
}

/** The three functions on a database that is away. */
export function brokenHandlers(nowMs: number): Record<RouteName, Handler> {
  const fail = async () => {
    throw new Error("The database is away");
  };
  return handlersOf({
    settings: defaultSettings,
    table: { forRequest: () => ({ get: fail, update: fail }) },
    now: () => nowMs,
  });
}

/** Checks every answer against the OpenAPI document. */
function documented(route: DocumentedRoute, ask: Ask): Ask {
  return async (body) => {
    const reply = await ask(body);
    expectDocumented(route, reply);
    return reply;
  };
}

/**
 * Asks a function as API Gateway would: a string goes as it is, anything else as JSON.
 *
 * @param nowMs the API's clock, epoch milliseconds
 */
export function asker(handler: Handler, nowMs: () => number = Date.now): Ask {
  return async (body) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const result = await handler(
      { body: text, isBase64Encoded: false, requestContext: { timeEpoch: nowMs() } },
      { awsRequestId: "request-1" },
    );
    return { status: result.statusCode ?? 0, body: JSON.parse(result.body ?? "null") };
  };
}
