import type { Write } from "./memory-table.ts";
import type { Handled } from "./simulated-service.ts";
import { storedLicense } from "./stored-license.ts";

/** Counts how far the asks for sessions came. A world in which none is asked for shows nothing. */
export function createAskCounts() {
  const asked = new Set<string>();
  const told = new Set<unknown>();
  const kept = new Set<string>();
  const yielded = new Set<unknown>();

  return {
    counts: () =>
      Object.entries({
        "sessions asked for": asked.size,
        "sessions whose holder was told": told.size,
        "kept by their holder": kept.size,
        "released while asked for": yielded.size,
      }),

    wrote({ before, after }: Write): void {
      if (!before || !after) return;
      const was = storedLicense(before).entries;
      for (const [symbol, { sessionId, asked: note, keptUntilMs }] of storedLicense(after)
        .entries) {
        const old = was.get(symbol);
        if (sessionId === undefined || old?.sessionId !== sessionId) continue;
        if (note && note.atMs !== old.asked?.atMs) asked.add(sessionId);
        if (keptUntilMs !== old.keptUntilMs) kept.add(sessionId);
      }
    },

    handled({ request, body }: Handled): void {
      if (body.release_asked_by !== undefined) told.add(request.session_id);
    },

    logged(line: object): void {
      const { event, session_id, asked_by } = line as Record<string, unknown>;
      if (event === "session_released" && asked_by !== undefined) yielded.add(session_id);
    },
  };
}
