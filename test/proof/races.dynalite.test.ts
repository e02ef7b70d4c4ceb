import { scaled } from "./case-counts.ts";
import { dynaliteForProof } from "./proof-engine.ts";
import { describeRaces } from "./races.ts";

describeRaces("dynalite", dynaliteForProof, scaled(20, 10_000));
