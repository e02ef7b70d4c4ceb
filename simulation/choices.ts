/**
 * All random choices of one world, drawn from its seed. A draw depends on its name and not on its
 * order: the same name always draws the same number, whatever else happens. This makes it possible
 * to shrink a failing world.
 */
export type Choices = {
  /** From 0 up to 1. */
  number(name: string): number;
  /** A whole number between the two, both included. */
  between(name: string, min: number, max: number): number;
  /** Like `between`, but with all orders of magnitude equally likely. */
  spread(name: string, min: number, max: number): number;
  oneOf<Item>(name: string, items: readonly Item[]): Item;
  /**
   * Whether the world departs here from a calm one. Each departure is recorded under its name.
   *
   * @param kind the kind of fault or event; the world's weather determines how often it occurs
   */
  happens(kind: string, name: string, probability: number): boolean;
};

/** One departure that happened. */
export type Departure = { kind: string; name: string };

type ChoicesOptions = {
  seed: number;
  /** The only departures that may happen; all by default. */
  allowed?: ReadonlySet<string> | undefined;
  onDeparture?(departure: Departure): void;
};

export function openChoices({ seed, allowed, onDeparture }: ChoicesOptions): Choices {
  const number = (name: string) => keyedNumber(seed, name);
  return {
    number,
    between: (name, min, max) => min + Math.floor(number(name) * (max - min + 1)),
    spread: (name, min, max) => Math.round(min * (max / min) ** number(name)),
    oneOf<Item>(name: string, items: readonly Item[]): Item {
      if (items.length === 0) throw new RangeError(`There is nothing to choose for ${name}`);
      return items[Math.floor(number(name) * items.length)] as Item;
    },
    happens(kind, name, probability) {
      if (probability <= 0) return false;
      const fullName = `${kind} ${name}`;
      if (number(fullName) >= probability) return false;
      if (allowed && !allowed.has(fullName)) return false;
      onDeparture?.({ kind, name: fullName });
      return true;
    },
  };
}

/** A number from 0 up to 1 that depends on the seed and the name alone: cyrb53 of both. */
function keyedNumber(seed: number, name: string): number {
  let a = 0xdeadbeef ^ seed;
  let b = 0x41c6ce57 ^ Math.imul(seed, 0x9e3779b1);
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)) / 2 ** 53;
}
