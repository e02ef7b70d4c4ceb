import { emailSchema, option, seatsSchema, typeSchema } from "../terminal/option-readers.ts";

// What `create` and `set` both take.

export const seatsOption = () =>
  option(
    "--max-sessions <n>",
    "how many sessions, one per symbol, it may hold at a time",
    seatsSchema,
  );

export const typeOption = () =>
  option("--type <type>", "the license type, such as pro", typeSchema);

export const emailOption = () =>
  option("--email <address>", "the owner's e-mail address", emailSchema);
