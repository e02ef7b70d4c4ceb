import type { Case } from "../case.ts";
import { claimingCases } from "./claiming.ts";
import { endingCases } from "./endings.ts";
import { ordinaryCases } from "./ordinary.ts";
import { processCases } from "./processes.ts";
import { troubleCases } from "./trouble.ts";

/** Every case, in the order in which they are started. */
export const allCases: readonly Case[] = [
  ...ordinaryCases,
  ...claimingCases,
  ...troubleCases,
  ...endingCases,
  ...processCases,
];
