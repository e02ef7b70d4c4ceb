import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  applyUpdate,
  type Bindings,
  checkExpressions,
  evaluateCondition,
  type Item,
} from "./expressions.ts";

/** The members of the SDK's commands that the service and its tools use. */
export type CommandInput = {
  Key?: Item | undefined;
  Item?: Item | undefined;
  UpdateExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Item | undefined;
  ReturnValues?: string | undefined;
  ReturnValuesOnConditionCheckFailure?: string | undefined;
};

/** The members of a scan that the service uses. */
export type ScanInput = {
  Segment?: number | undefined;
  TotalSegments?: number | undefined;
  ExclusiveStartKey?: Item | undefined;
  FilterExpression?: string | undefined;
  ProjectionExpression?: string | undefined;
};

export type Page = { Items: Item[]; LastEvaluatedKey?: Item };

export type Output = { Attributes?: Item; Item?: Item };

/** A write that was applied; without `after` the item is gone. Items are never changed in place. */
export type Write = {
  licenseId: string;
  before: Item | undefined;
  after: Item | undefined;
  /** The request to a function that wrote it, if one did. */
  by: string | undefined;
};

/** The table `Sessions` in memory. Each call is atomic and takes no time. */
export type MemoryTable = {
  item(licenseId: string): Item | undefined;
  /** Bypasses all rules, like an edit by hand or a restored backup. */
  put(item: Item): void;
  remove(licenseId: string): void;
  /** @throws ConditionalCheckFailedException, ValidationException */
  perform(operation: string, input: CommandInput, by?: string): Output;
  /** A page has one item at most, so that whoever reads through the table turns pages. */
  scan(input: ScanInput): Page;
};

/** One call of the table, for whoever wants to compare it with a real engine. */
export type Operation = {
  name: string;
  input: CommandInput;
  /** What came of it: the answer, or the name of the error and the item that it carried. */
  result: Output | { error: string; Item?: Item | undefined };
};

export function createMemoryTable(
  onWrite: (write: Write) => void,
  onOperation: (operation: Operation) => void = () => {},
): MemoryTable {
  const items = new Map<string, Item>();

  function perform(operation: string, input: CommandInput, by?: string): Output {
    const licenseId = idOf(input.Key ?? input.Item);
    const before = items.get(licenseId);
    if (operation === "GetItem") return before ? { Item: before } : {};

    const { UpdateExpression: update, ConditionExpression: condition } = input;
    const bindings: Bindings = {
      names: input.ExpressionAttributeNames,
      values: input.ExpressionAttributeValues,
    };
    checkExpressions(
      [update, condition].filter((text) => text !== undefined),
      bindings,
    );
    if (condition !== undefined && !evaluateCondition(condition, bindings, before ?? {})) {
      throw new ConditionalCheckFailedException({
        message: "The conditional request failed",
        $metadata: {},
        ...(before && input.ReturnValuesOnConditionCheckFailure === "ALL_OLD" && { Item: before }),
      });
    }
    const after = afterOperation(operation, input, bindings, before);
    if (after) items.set(licenseId, after);
    else items.delete(licenseId);
    onWrite({ licenseId, before, after, by });
    const { ReturnValues: wanted } = input;
    const shown = wanted === "ALL_NEW" ? after : wanted === "ALL_OLD" ? before : undefined;
    return shown ? { Attributes: shown } : {};
  }

  function reported(name: string, input: CommandInput, by?: string): Output {
    try {
      const result = perform(name, input, by);
      onOperation({ name, input, result });
      return result;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const met = error instanceof ConditionalCheckFailedException ? error.Item : undefined;
      onOperation({ name, input, result: { error: error.name, ...(met && { Item: met }) } });
      throw error;
    }
  }

  return {
    item: (licenseId) => items.get(licenseId),
    put: (item) => void reported("PutItem", { Item: item }),
    remove: (licenseId) => void reported("DeleteItem", { Key: { license_id: { S: licenseId } } }),
    perform: reported,
    scan({ Segment = 0, TotalSegments = 1, ExclusiveStartKey, ...input }) {
      const from = ExclusiveStartKey ? idOf(ExclusiveStartKey) : "";
      const [id] = [...items.keys()]
        .filter((each) => each > from && segmentOf(each, TotalSegments) === Segment)
        .sort();
      const item = id === undefined ? undefined : items.get(id);
      if (!item) return { Items: [] };
      const { FilterExpression: filter, ProjectionExpression: projection } = input;
      const isShown =
        filter === undefined ||
        evaluateCondition(filter, { names: undefined, values: undefined }, item);
      const names = projection?.split(", ");
      const shown = Object.entries(item).filter(([name]) => names?.includes(name) ?? true);
      return {
        Items: isShown ? [Object.fromEntries(shown)] : [],
        LastEvaluatedKey: { license_id: { S: idOf(item) } },
      };
    },
  };
}

function afterOperation(
  operation: string,
  { Key, Item, UpdateExpression }: CommandInput,
  bindings: Bindings,
  before: Item | undefined,
): Item | undefined {
  if (operation === "DeleteItem") return undefined;
  if (operation === "PutItem" && Item) return Item;
  if (operation === "UpdateItem" && Key && UpdateExpression !== undefined) {
    return applyUpdate(UpdateExpression, bindings, before ?? Key);
  }
  throw new Error(`The model of the table has no ${operation}`);
}

function segmentOf(licenseId: string, segments: number): number {
  return Number.parseInt(licenseId.slice(0, 4), 16) % segments;
}

function idOf(item: Item | undefined): string {
  const id = item?.license_id?.S;
  if (id === undefined) throw new Error("There is no license_id");
  return id;
}
