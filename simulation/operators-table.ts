import { marshall, type NativeAttributeValue, unmarshall } from "@aws-sdk/util-dynamodb";
import type { TableHandle } from "../ops/data/table-handle.ts";
import type { CommandInput, MemoryTable } from "./memory-table.ts";

type DocumentCommand = {
  input: Record<string, NativeAttributeValue>;
  constructor: { name: string };
};

const marshalled = ["Key", "Item", "ExpressionAttributeValues"];

/** The table as the operators' tools use it: at once, and without faults of its own. */
export function tableHandle(table: MemoryTable): TableHandle {
  const client = {
    async send(command: DocumentCommand) {
      const operation = `${command.constructor.name.replace(/Command$/, "")}Item`;
      const words = Object.entries(command.input).map(([name, value]) => [
        name,
        marshalled.includes(name) ? marshall(value, { removeUndefinedValues: true }) : value,
      ]);
      const { Item, Attributes } = table.perform(
        operation,
        Object.fromEntries(words) as CommandInput,
      );
      return {
        ...(Item && { Item: unmarshall(Item) }),
        ...(Attributes && { Attributes: unmarshall(Attributes) }),
      };
    },
  };
  return { client: client as unknown as TableHandle["client"], tableName: "Sessions" };
}
