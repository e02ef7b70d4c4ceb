import type { Case } from "../case.ts";
import { changed, withFields } from "../replies.ts";

export const ordinaryCases: readonly Case[] = [
  {
    name: "ordinary-life",
    section: "claim",
    shows: "claims under a run_id, then beats by session_id as often as the service names it",
    strict: true,
    play: async (stage) => {
      await stage.open();
      await stage.stillTradesAfter(9);
    },
  },
  {
    name: "unknown-fields-and-nulls",
    section: "what-to-do-for-each-answer",
    shows: "reads answers that have fields it doesn't know, and nulls in fields that it does",
    play: async (stage) => {
      const more = withFields({
        symbol: null,
        license_type: null,
        active_symbols: null,
        release_asked_by: null,
        later_field: { of: ["a later version"] },
      });
      stage.service.always(more, "claim", "heartbeat");
      await stage.open();
      await stage.stillTradesAfter(7);
    },
  },
  {
    name: "no-interval",
    section: "heartbeats",
    shows: "beats within its right if the answer names no interval",
    play: async (stage) => {
      stage.service.always(withFields({ heartbeat_interval_seconds: undefined }), "claim");
      await stage.open();
      await stage.stillTradesAfter(8);
    },
  },
  {
    name: "media-type-with-charset",
    section: "what-to-do-for-each-answer",
    shows: "reads answers whose media type is spelled in another way",
    play: async (stage) => {
      const other = changed((answer) => ({ ...answer, type: "Application/JSON;Charset=UTF-8" }));
      stage.service.always(other, "claim", "heartbeat", "release");
      await stage.open();
      await stage.stillTradesAfter(7);
    },
  },
  {
    name: "shorter-right",
    section: "the-right",
    shows: "counts by the held_for_seconds of the last answer, when it has become shorter",
    play: async (stage) => {
      await stage.open();
      stage.service.sessions.changeLease({ timeoutSeconds: 4, heldForSeconds: 3 });
      await stage.hasAsked("heartbeat", 1);
      await stage.wait(0.3);
      await stage.goAway();
      await stage.wait(6);
      await stage.comeBack();
      await stage.tradesAgain(12, "did-not-return", "was confirmed again");
    },
  },
  {
    name: "longer-right",
    section: "the-right",
    shows: "counts by the held_for_seconds of the last answer, when it has become longer",
    play: async (stage) => {
      await stage.open();
      stage.service.sessions.changeLease({ timeoutSeconds: 18, heldForSeconds: 15 });
      await stage.hasAsked("heartbeat", 1);
      await stage.wait(0.3);
      await stage.goAway();
      await stage.wait(11);
      await stage.tradesAgain(3.5, "stopped-with-right", "had the right for 15 s");
    },
  },
];
