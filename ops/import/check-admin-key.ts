import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import type { Variables } from "../terminal/variables.ts";
import type { ImportRow } from "./import-row.ts";

/** Whether the file of the old server has its admin key; `not checked`: nobody has said which it is. */
export type AdminKeyCheck = "there" | "missing" | "not checked" | "not asked";

/**
 * The old server takes its own admin key for a license, although no row of `users` has it. Looks for
 * that key in the rows of its export.
 */
export function checkAdminKey({ OLD_ADMIN_KEY }: Variables) {
  const key = OLD_ADMIN_KEY?.trim();
  const licenseId = key ? licenseIdOf(key) : undefined;
  let isThere = false;
  return {
    look(row: ImportRow): void {
      isThere ||= row.licenseId === licenseId;
    },
    result(): AdminKeyCheck {
      if (licenseId === undefined) return "not checked";
      return isThere ? "there" : "missing";
    },
  };
}

/** What to do about it. */
export const adminKeyTexts: Record<AdminKeyCheck, string> = {
  there: "The old admin key has a row.\n",
  missing:
    "The old admin key has no row in this file: bots that use it stop at their first heartbeat here. " +
    "Make it a license (create --key), or give those bots another key before the switch.\n",
  "not checked":
    "Not checked: whether the file has the old server's admin key, which is valid there without a row. " +
    "Set OLD_ADMIN_KEY to it and check again; bots that use it stop at their first heartbeat here.\n",
  "not asked": "",
};
