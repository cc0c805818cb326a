/** One of these, each as likely. */
export function oneOf<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

/** One of these, each as likely as it weighs. */
export function oneByWeight<T>(items: readonly T[], weigh: (item: T) => number): T | undefined {
  const total = items.reduce((sum, item) => sum + weigh(item), 0);
  let left = Math.random() * total;
  return items.find((item) => (left -= weigh(item)) < 0) ?? items.at(-1);
}

/** A number from `least` on, below `most`. */
export function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

/** A whole number from `least` to `most`. */
export function wholeBetween(least: number, most: number): number {
  return Math.floor(between(least, most + 1));
}

/** True this often, from 0 to 1. */
export function happens(probability: number): boolean {
  return Math.random() < probability;
}
