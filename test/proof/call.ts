import type { License } from "../../lambdas/rules/license.ts";

type FromDevice = {
  device: string;
  symbol: string | undefined;
  /** The timeout of the function that serves it, where it differs: a deploy is under way. */
  timeoutMs?: number | undefined;
};

/** What may be done with a license: by a bot through the service, or by an operator beside it. */
export type Call =
  | ({ verb: "claim"; claimId?: string | undefined } & FromDevice)
  | ({ verb: "check" } & FromDevice)
  | ({ verb: "heartbeat"; sessionId: string | undefined; report: Report } & FromDevice)
  | ({ verb: "release"; sessionId: string | undefined } & FromDevice)
  | { verb: "suspend" | "activate" }
  | { verb: "extend"; expiresAtMs: number }
  | { verb: "set-seats"; seats: number }
  | { verb: "end-session"; sessionSymbol: string };

/** The fields of a heartbeat about the bot, as they are sent. */
export type Report = {
  bot_version?: string;
  status?: string;
  metadata?: Record<string, unknown>;
};

/** An answer of the service, without the words for people; an operator's write is 200 or 409. */
export type Answer = { status: number; body: Record<string, unknown> };

/** What a call may lead to: what is answered, and the item of the license afterwards. */
export type Outcome = { answer: Answer; item: License | undefined };
