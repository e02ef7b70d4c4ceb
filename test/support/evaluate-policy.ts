import * as z from "zod";

/** A policy of IAM with what these use of its language: no NotAction, StringEquals as only condition. */
export const policySchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z.array(
    z.strictObject({
      Sid: z.string(),
      Effect: z.enum(["Allow", "Deny"]),
      Action: z.array(z.string()),
      Resource: z.union([z.string(), z.array(z.string())]).transform((one) => [one].flat()),
      Condition: z
        .strictObject({
          StringEquals: z.record(
            z.string(),
            z.union([z.string(), z.array(z.string())]).transform((one) => [one].flat()),
          ),
        })
        .optional(),
    }),
  ),
});

export type Policy = z.infer<typeof policySchema>;

/** Whether an identity with this policy alone may do this. A deny beats every allow. */
export function isAllowed(
  policy: Policy,
  action: string,
  resource: string,
  context: Readonly<Record<string, string>> = {},
): boolean {
  const concerned = policy.Statement.filter(
    ({ Action, Resource, Condition }) =>
      Action.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
      Resource.some((pattern) => matches(pattern, resource)) &&
      Object.entries(Condition?.StringEquals ?? {}).every(([key, values]) =>
        values.includes(context[key] ?? ""),
      ),
  );
  return concerned.length > 0 && concerned.every(({ Effect }) => Effect === "Allow");
}

/** `*` stands for any text, also for none and for text with colons and slashes. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
