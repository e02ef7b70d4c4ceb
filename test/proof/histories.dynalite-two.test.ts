import { scaled } from "./case-counts.ts";
import { describeHistories } from "./histories.ts";
import { dynaliteForProof } from "./proof-engine.ts";

// One half of the histories: each half has a process, and so a core, of its own.
const size = { histories: scaled(100, 25_000), lanes: 1, seedOffset: 1000 };
describeHistories("dynalite", dynaliteForProof, size);
