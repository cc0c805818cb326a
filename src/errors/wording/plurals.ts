/**
 * An English number with its noun: `1 slot`, `2 slots`, `0 slots`. `many` is given where the plural
 * is not the noun with an s; `shown` where the number is written in another way.
 */
export function withPlural(
  value: bigint | number,
  one: string,
  { many = `${one}s`, shown = String(value) }: { many?: string; shown?: string } = {},
): string {
  return `${shown} ${Number(value) === 1 ? one : many}`;
}
