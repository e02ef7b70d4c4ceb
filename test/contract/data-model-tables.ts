import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as z from "zod";
import type * as mini from "zod/mini";
import { sessionSchema, vacancySchema } from "../../lambdas/rules/entry.ts";
import { licenseItemSchema } from "../../ops/data/license-item.ts";

const root = join(import.meta.dirname, "../..");
const entriesFile = "lambdas/rules/entry.ts";

type Shape = Record<string, z.core.$ZodType>;
type Table = { name: string; shape: Shape; places: [file: string, schema: string][] };

const shapeOf = (entry: mini.ZodMiniPipe<mini.ZodMiniObject>): Shape => entry._zod.def.in.shape;

const tables: Table[] = [
  {
    name: "license",
    shape: licenseItemSchema.shape,
    places: [["ops/data/license-item.ts", "licenseItemSchema"]],
  },
  {
    name: "session",
    shape: shapeOf(sessionSchema),
    places: [
      [entriesFile, "reportSchema"],
      [entriesFile, "storedSession"],
    ],
  },
  { name: "vacancy", shape: shapeOf(vacancySchema), places: [[entriesFile, "vacancySchema"]] },
];

/**
 * The page with its tables written anew. What an attribute means is the comment in the schema: a
 * description that zod knows would be bundled into the functions.
 */
export function withTables(page: string): string {
  return tables.reduce((text, table) => {
    const mark = new RegExp(`(<!-- ${table.name}: [^\\n]*-->\\n).*?(<!-- end -->)`, "s");
    if (!mark.test(text)) throw new Error(`The page has no place for the table ${table.name}`);
    return text.replace(mark, (_, begin, end) => `${begin}\n${tableText(table)}\n\n${end}`);
  }, page);
}

function tableText({ shape, places }: Table): string {
  const meanings = new Map(places.flatMap(([file, schema]) => commentsOf(file, schema)));
  const rows = Object.entries(shape).map(([name, schema]) => {
    const meaning = meanings.get(name);
    if (meaning === undefined) throw new Error(`${name} has no comment in its schema`);
    return [`\`${name}\``, storedAs(schema), meaning];
  });
  return aligned([["attribute", "type", "meaning"], ...rows]).join("\n");
}

/** As the other tables of the pages are. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], fill: string) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width, fill)).join(" | ")} |`;
  const [first = "", ...others] = rows.map((row) => line(row, " "));
  return [first, line([], "-"), ...others];
}

function commentsOf(file: string, schema: string): [name: string, comment: string][] {
  const [, ofSchema = ""] = readFileSync(join(root, file), "utf8").split(`const ${schema} = `);
  const [text = ""] = ofSchema.split(/^(?:\}\)|\));$/m);
  return [...text.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s+(\w+):/gs)].map(
    ([, comment = "", name = ""]) => [name, comment.replace(/\s*\n\s*\* ?|\s+/g, " ").trim()],
  );
}

/** The type that DynamoDB stores. */
function storedAs(schema: z.core.$ZodType): string {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "default":
    case "catch":
      return storedAs(def.innerType);
    case "string":
    case "enum":
      return "S";
    case "number":
      return "N";
    case "boolean":
      return "BOOL";
    case "array":
      return "L";
    case "object":
    case "record":
      return "M";
    default:
      throw new Error(`No type of DynamoDB is known for ${def.type}`);
  }
}
