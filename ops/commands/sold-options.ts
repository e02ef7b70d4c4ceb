import { emailSchema, option, seatsSchema, typeSchema } from "../terminal/option-readers.ts";

// What `create` and `set` both take.

export const seatsOption = () =>
  option("--max-sessions <n>", "how many symbols at a time", seatsSchema);

export const typeOption = () => option("--type <type>", "what was sold", typeSchema);

export const emailOption = () => option("--email <address>", "whose it is", emailSchema);
