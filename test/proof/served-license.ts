import { randomUUID } from "node:crypto";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Handler } from "../../lambdas/http/handle-request.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import { endSessionUpdate } from "../../lambdas/rules/end-session-update.ts";
import type { License } from "../../lambdas/rules/license.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { isSession } from "../../lambdas/rules/session.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { defaultSettings } from "../support/default-settings.ts";
import type { Answer, Call } from "./call.ts";
import type { ProofEngine } from "./proof-engine.ts";

/** One license on an engine, with the real functions in front of it. */
export type ServedLicense = {
  licenseKey: string;
  licenseId: string;
  /** @param nowMs what the function that is called reads from its clock */
  perform(call: Call, nowMs: number): Promise<Answer>;
  /** The item as the latest reply of the engine showed it. */
  shown(): License | undefined;
  stored(): Promise<License | undefined>;
};

export type ServiceOptions = { sessionTimeoutMs: number; multiSymbolSessions: boolean };

type Functions = Record<"claim" | "heartbeat" | "release", Handler>;

/** Makes a license and the functions for it; without attributes, it makes no license. */
export async function serveLicense(
  engine: ProofEngine,
  options: ServiceOptions,
  attributes: Omit<License, "license_id"> | undefined,
  licenseKey = `KEY-${randomUUID()}`,
): Promise<ServedLicense> {
  const { client, tableName } = engine;
  const licenseId = licenseIdOf(licenseKey);
  if (attributes) {
    const Item = { license_id: licenseId, ...attributes };
    await client.send(new PutCommand({ TableName: tableName, Item }));
    engine.shown.set(licenseId, Item);
  }

  let clockMs = 0;
  const { askForRefusedItem } = engine;
  const settings = { ...defaultSettings, tableName, askForRefusedItem, ...options };
  const table = openTable({ client: engine.functionsClient, ...settings });
  const deployed = new Map<number, Functions>();

  /** The functions with this timeout, or that of the options. */
  function functions(sessionTimeoutMs = options.sessionTimeoutMs): Functions {
    const known = deployed.get(sessionTimeoutMs);
    if (known) return known;
    const service = { settings: { ...settings, sessionTimeoutMs }, table, now: () => clockMs };
    const made = {
      claim: claimHandler(service),
      heartbeat: heartbeatHandler(service),
      release: releaseHandler(service),
    };
    deployed.set(sessionTimeoutMs, made);
    return made;
  }

  async function ask(handler: Handler, nowMs: number, fields: Record<string, unknown>) {
    clockMs = nowMs;
    const body = JSON.stringify({ license_key: licenseKey, ...fields });
    const result = await handler({ body, isBase64Encoded: false }, { awsRequestId: "request" });
    const { message, ...rest } = JSON.parse(result.body ?? "{}");
    if (typeof message !== "string" || message === "") throw new Error("An answer has no message");
    return { status: result.statusCode ?? 0, body: rest };
  }

  /** An operator's write: beside the service, and conditional like its own. */
  async function write(
    UpdateExpression: string,
    ConditionExpression: string,
    names: Record<string, string> | undefined,
    values: Record<string, unknown> | undefined,
  ): Promise<Answer> {
    try {
      await client.send(
        new UpdateCommand({
          TableName: tableName,
          Key: { license_id: licenseId },
          UpdateExpression,
          ConditionExpression,
          ...(names && { ExpressionAttributeNames: names }),
          ...(values && { ExpressionAttributeValues: values }),
          ReturnValues: "ALL_NEW",
        }),
      );
      return { status: 200, body: {} };
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return { status: 409, body: {} };
      throw error;
    }
  }

  function changeStatus(from: string, to: string): Promise<Answer> {
    const names = { "#status": "status" };
    return write("SET #status = :to", "#status = :from", names, { ":from": from, ":to": to });
  }

  function set(attribute: string, value: number): Promise<Answer> {
    const values = { ":value": value };
    return write(`SET ${attribute} = :value`, "attribute_exists(license_id)", undefined, values);
  }

  /** As `license end-session` does: on the session that was seen, or not at all. */
  async function endSession(symbol: string): Promise<Answer> {
    const seen = (await table.get(licenseId, new AbortController().signal))?.sessions[symbol];
    if (!seen || !isSession(seen)) return { status: 409, body: {} };
    const { set, conditions, names, values } = endSessionUpdate(symbol, seen);
    return write(`SET ${set.join(", ")}`, conditions.join(" AND "), names, values);
  }

  return {
    licenseKey,
    licenseId,
    perform(call, nowMs) {
      switch (call.verb) {
        case "claim":
        case "check":
          return ask(functions(call.timeoutMs).claim, nowMs, {
            device_fingerprint: call.device,
            symbol: call.symbol,
            ...(call.verb === "check" ? { check_only: true } : { claim_id: call.claimId }),
          });
        case "heartbeat":
          return ask(functions(call.timeoutMs).heartbeat, nowMs, {
            device_fingerprint: call.device,
            symbol: call.symbol,
            session_id: call.sessionId,
            ...call.report,
          });
        case "release":
          return ask(functions(call.timeoutMs).release, nowMs, {
            device_fingerprint: call.device,
            symbol: call.symbol,
            session_id: call.sessionId,
          });
        case "suspend":
          return changeStatus("active", "suspended");
        case "activate":
          return changeStatus("suspended", "active");
        case "extend":
          return set("license_expiration", call.expiresAtMs);
        case "set-seats":
          return set("max_sessions", call.seats);
        case "end-session":
          return endSession(call.sessionSymbol);
      }
    },
    shown: () => engine.shown.get(licenseId),
    async stored() {
      const Key = { license_id: licenseId };
      await client.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }));
      return engine.shown.get(licenseId);
    },
  };
}
