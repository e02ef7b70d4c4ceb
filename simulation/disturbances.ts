import type { Choices } from "./choices.ts";

/**
 * Everything that can go wrong or be done in a world, with its probability at each opportunity if
 * the weather includes it. An opportunity is a request, an attempt of the SDK, or a minute of a
 * device, of the table or of an operator.
 */
export const disturbanceKinds = {
  // The network, for each request.
  "request lost": 0.06,
  "answer lost": 0.06,
  "request late": 0.06,
  "answer late": 0.06,
  "request twice": 0.06,
  "connection reset": 0.06,
  "connection half closed": 0.03,
  "proxy answers": 0.04,
  // Of a bot that has pinned the key, for each request.
  "proxy forges": 0.08,
  // The network of a device, for each minute.
  "device offline": 0.25,
  // What it sends arrives together.
  "network in bursts": 0.3,
  // The functions, for each request.
  "gateway refuses": 0.03,
  "cold start": 0.15,
  "new instance": 0.2,
  "frozen in a request": 0.05,
  "frozen between requests": 0.05,
  "instance killed": 0.04,
  // For each instance.
  "clock off": 0.7,
  "clock wrong": 0.2,
  // For each machine of the API, and for each request.
  "clock of the API off": 0.7,
  "clock of the API wrong": 0.02,
  // For each random id of three characters.
  "key drawn twice": 0.3,
  // The table, for each attempt.
  "table slow": 0.08,
  "table throttles": 0.08,
  "table fails": 0.06,
  "table fails after the write": 0.06,
  "table answer lost": 0.06,
  "write late": 0.06,
  // For each minute.
  "table down": 0.1,
  // The devices, for each minute.
  sleep: 0.12,
  "virtual machine paused": 0.12,
  stall: 0.15,
  "wall clock set": 0.1,
  // For each device.
  "clock drifts": 0.6,
  // Somebody asks whether a session could be had, for each minute.
  check: 0.3,
  // The programs, for each life.
  crash: 0.3,
  "second copy": 0.3,
  "old build beside": 0.3,
  "quick restart": 0.4,
  "opening given up": 0.08,
  "released in part": 0.4,
  "asks the holder": 0.4,
  // For each device: its programs keep their run, against the rule.
  "run stored": 0.1,
  // The operators, for each minute.
  suspend: 0.08,
  expire: 0.05,
  "end session": 0.1,
  "end session at once": 0.06,
  "change seats": 0.3,
  "change the license's time-out": 0.15,
  rekey: 0.08,
  "rekey interrupted": 0.05,
  restore: 0.05,
  "import again": 0.06,
  "delete and create": 0.03,
  "operator's clock wrong": 0.5,
  // Deploys, once, and for each minute.
  "second stack": 0.5,
  "change the time-out": 0.15,
  "change legacyBots": 0.05,
  // The runs that report lapsed sessions, for each minute, and each attempt.
  "lapse run late": 0.2,
  "lapse run twice": 0.2,
  "lapse run fails": 0.4,
  // If there is an earlier version.
  "change the rules": 0.5,
} as const satisfies Record<string, number>;

export type DisturbanceKind = keyof typeof disturbanceKinds;

/**
 * The weather of one world: a random half of the kinds, each with a random strength. With all of
 * them at once, hardly any session would live long enough for rare faults to coincide.
 *
 * @returns how likely a kind is at each opportunity
 */
export function drawDisturbances(choices: Choices): (kind: DisturbanceKind) => number {
  const mildness = choices.number("mildness");
  const probabilities = new Map<string, number>(
    Object.entries(disturbanceKinds).map(([kind, base]) => {
      const happens = choices.number(`weather ${kind}`) < 0.2 + 0.6 * mildness;
      return [kind, happens ? base * (0.3 + choices.number(`strength ${kind}`)) : 0];
    }),
  );
  return (kind) => probabilities.get(kind) ?? 0;
}
