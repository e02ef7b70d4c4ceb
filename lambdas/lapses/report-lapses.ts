import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { lapsesIn, type Window, windowOf } from "../rules/lapses.ts";
import { licenseSchema } from "../rules/license.ts";
import { type LapseDetail, lapseDetail } from "./lapse-event.ts";

type LapseReporter = {
  tables: Pick<DynamoDBClient, "send">;
  events: Pick<EventBridgeClient, "send">;
  tableName: string;
  eventBusName: string;
};

/** The part of a scheduled event that is read. */
type ScheduledEvent = { time: string };

/** Parts of the table that are read side by side. */
const segments = 8;

/** The most that one call of PutEvents takes. */
const eventsPerCall = 10;

/**
 * Reads through the table and reports each session that lapsed in the window of the scheduled minute,
 * as an event. Nothing is stored: a repeated run reports the same lapses by the same ids.
 *
 * @throws Error if any event was not accepted; any error of the two services
 */
export function lapseReporter({ tables, events, tableName, eventBusName }: LapseReporter) {
  return async ({ time }: ScheduledEvent): Promise<{ lapses: number }> => {
    const window = windowOf(Date.parse(time));
    if (Number.isNaN(window.toMs)) throw new Error("The event has no scheduled time");
    const found = await Promise.all(
      Array.from({ length: segments }, (_, segment) => lapsesOf(segment, window)),
    );
    const details = found.flat();
    for (let at = 0; at < details.length; at += eventsPerCall) {
      await put(details.slice(at, at + eventsPerCall));
    }
    return { lapses: details.length };
  };

  async function lapsesOf(segment: number, window: Window): Promise<LapseDetail[]> {
    const details: LapseDetail[] = [];
    let ExclusiveStartKey: ScanCommand["input"]["ExclusiveStartKey"];
    do {
      const page = await tables.send(
        new ScanCommand({
          TableName: tableName,
          Segment: segment,
          TotalSegments: segments,
          FilterExpression: "attribute_not_exists(superseded_by)",
          ProjectionExpression: "license_id, email, sessions, portfolios",
          ExclusiveStartKey,
        }),
      );
      for (const item of page.Items ?? []) {
        const { data: license } = licenseSchema.safeParse(
          unmarshall(item, { wrapNumbers: Number }),
        );
        if (!license) continue;
        details.push(...lapsesIn(license, window).map((lapse) => lapseDetail(license, lapse)));
      }
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return details;
  }

  async function put(details: readonly LapseDetail[]): Promise<void> {
    const { FailedEntryCount = 0 } = await events.send(
      new PutEventsCommand({
        Entries: details.map((detail) => ({
          EventBusName: eventBusName,
          Source: "license-sessions",
          DetailType: "session_lapsed",
          Detail: JSON.stringify(detail),
        })),
      }),
    );
    if (FailedEntryCount > 0) throw new Error(`${FailedEntryCount} events were not accepted`);
  }
}
