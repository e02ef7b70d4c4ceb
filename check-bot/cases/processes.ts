import type { Case } from "../case.ts";
import { inUse, takenBy } from "../replies.ts";
import type { Stage } from "../stage.ts";

export const processCases: readonly Case[] = [
  {
    name: "process-stopped",
    section: "the-right",
    shows:
      "does not trade when it goes on after its right (SIGSTOP), until the service has confirmed it",
    needsSignals: true,
    play: async (stage) => {
      await stage.open();
      await stage.wait(1);
      // After a sleep the network takes its time, so that nothing confirms or ends the session at once.
      await stage.pauseFor(8, stage.goAway);
      await stage.wait(3);
      await stage.comeBack();
      await stage.tradesAgain(12, "did-not-return", "could have had its session again");
      await stage.stillTradesAfter(0);
    },
  },
  {
    name: "suspended-machine",
    section: "which-clock",
    shows: "does not trade after a suspend in which the monotonic clock stands still",
    needsStillClock: true,
    needsSignals: true,
    play: async (stage) => {
      await stage.open();
      await stage.wait(1);
      if (!stage.readsStillClock()) stage.skip("the program does not read the C library's clock");
      await sleepsThroughLoss(stage);
    },
  },
  {
    name: "taken-while-stopped",
    section: "the-right",
    shows: "does not trade when it goes on and another device has its session",
    needsSignals: true,
    play: async (stage) => {
      await stage.open();
      await stage.wait(1);
      await sleepsThroughLoss(stage);
    },
  },
  {
    name: "sigterm",
    section: "stopping",
    shows: "releases its session when it is told to stop",
    needsSignals: true,
    play: (stage) => stopsAt(stage, "SIGTERM"),
  },
  {
    name: "ctrl-c",
    section: "stopping",
    shows: "releases its session at Ctrl-C",
    needsSignals: true,
    play: (stage) => stopsAt(stage, "SIGINT"),
  },
  {
    name: "second-instance",
    section: "claim",
    shows:
      "yields to a second instance on the device, or keeps it out; neither ends the other's session",
    play: async (stage) => {
      await stage.open();
      await stage.wait(1);
      await stage.start();
      await stage.wait(9);
      const runs = stage.record.programs.map((_program, index) => {
        const claim = stage.record.exchanges.find(
          ({ program, route }) => program === index && route === "claim",
        );
        return claim?.sent.run_id;
      });
      if (runs[0] !== undefined && runs[0] === runs[1]) {
        stage.find("run-not-named", "both instances claimed under the same run_id");
      }
      const trading = stage.record.programs.filter(({ tradesAtMs }) =>
        tradesAtMs.some((atMs) => atMs > stage.nowMs() - 3_000),
      ).length;
      if (trading === 0) stage.find("stopped-with-right", "neither of two instances trades");
    },
  },
];

/**
 * Another device takes the session meanwhile. After the sleep there is no network at first, so that
 * the program is not told at once.
 */
async function sleepsThroughLoss(stage: Stage) {
  await stage.pauseFor(8, async () => {
    stage.service.always(takenBy("session_taken"), "heartbeat");
    stage.service.always(inUse(30), "claim");
    await stage.goAway();
  });
  await stage.wait(3.5);
  await stage.comeBack();
  await stage.wait(4);
}

async function stopsAt(stage: Stage, signal: "SIGTERM" | "SIGINT") {
  await stage.open();
  await stage.hasAsked("heartbeat", 1);
  await stage.wait(0.5);
  const held = stage.service.sessions.currentId();
  stage.signal(signal);
  await stage.wait(8);
  if (held !== undefined && stage.service.sessions.currentId() === held) {
    stage.find("not-released", `did not release its session within 8 s of ${signal}`);
  }
}
