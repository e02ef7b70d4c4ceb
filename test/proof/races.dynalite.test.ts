import { dynaliteForProof } from "./proof-engine.ts";
import { describeRaces } from "./races.ts";
import { scaled } from "./scale.ts";

describeRaces("dynalite", dynaliteForProof, scaled(20, 10_000));
