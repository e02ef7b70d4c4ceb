import { dynaliteForProof } from "./proof-engine.ts";
import { describeRaces } from "./races.ts";
import { howMany } from "./scale.ts";

describeRaces("dynalite", dynaliteForProof, howMany(20, 10_000));
