/** Returns a random item; all items have the same probability. */
export function oneOf<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

/** Returns a random item; the probability of an item is proportional to its weight. */
export function oneByWeight<T>(items: readonly T[], weigh: (item: T) => number): T | undefined {
  const total = items.reduce((sum, item) => sum + weigh(item), 0);
  let left = Math.random() * total;
  return items.find((item) => (left -= weigh(item)) < 0) ?? items.at(-1);
}

/** Returns a random number that is at least `least` and below `most`. */
export function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

/** Returns a random whole number from `least` to `most`. */
export function wholeBetween(least: number, most: number): number {
  return Math.floor(between(least, most + 1));
}

/** Returns true with the given probability, from 0 to 1. */
export function randomBoolean(probability: number): boolean {
  return Math.random() < probability;
}
