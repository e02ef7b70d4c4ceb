import { startDynalite } from "../support/engines.ts";
import { describeBehaviour } from "./behaviour.ts";

describeBehaviour("dynalite", startDynalite);
