import * as z from "zod";
import type { Example } from "./openapi.ts";
import { codesOf, type DocumentedRoute, routes } from "./routes.ts";

/** `docs/api.md`: the OpenAPI document as a page for people. */
export function apiPage(examples: readonly Example[]): string {
  const intro = [
    "<!-- Generated from the schemas by `npm run openapi`; edit contract/ instead. -->",
    "# The API",
    "`POST`, JSON in and out, at most 16 KiB. Unknown fields are ignored, and `null` is the same as leaving an optional " +
      "field out. Every answer of the service carries `code`, for programs, which never changes its meaning, and " +
      "`message`, for people. [openapi.json](../openapi.json) says the same for machines, with an example of every " +
      "answer. What a bot does with each code is in [bots.md](bots.md#what-to-do-for-each-answer).",
    "An answer without `code` is API Gateway's: 404 for a wrong path, 429 above the throttle. It confirms nothing.",
  ];
  return `${[...intro, ...routes.map((route) => section(route, examples))].join("\n\n")}\n`;
}

function section(route: DocumentedRoute, allExamples: readonly Example[]): string {
  const examples = allExamples.filter(({ path }) => path === route.path);
  const example = examples.find(({ status, code }) => status === 200 && code !== "available");
  return [
    `## POST ${route.path}`,
    `${route.summary}. ${route.description}`,
    table(
      ["field", "", "what it is"],
      Object.entries(route.request._zod.def.shape).map(([name, schema]) => [
        `\`${name}\``,
        schema._zod.optin === "optional" ? "optional" : "required",
        z.globalRegistry.get(schema)?.description ?? "",
      ]),
    ),
    table(
      ["status", "code", "fields"],
      route.answers.map((answer) => [
        String(answer.status),
        codesOf(answer)
          .map((code) => `\`${code}\``)
          .join(", "),
        Object.entries(answer.schema.shape)
          .filter(([name]) => name !== "code" && name !== "message")
          .map(([name, schema]) => fieldText(name, schema))
          .join(", "),
      ]),
    ),
    ...(example ? [fenced(example.request), fenced(example.answer)] : []),
  ].join("\n\n");
}

/** Shows a field that has only one possible value together with that value. */
function fieldText(name: string, schema: z.core.$ZodType): string {
  const values = schema instanceof z.ZodLiteral ? [...schema.values] : [];
  return values.length === 1 ? `\`${name}: ${JSON.stringify(values[0])}\`` : `\`${name}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function fenced(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}
