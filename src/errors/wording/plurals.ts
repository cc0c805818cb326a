/**
 * Returns an English number with its noun: `1 slot`, `2 slots`, `0 slots`. `many` is the irregular
 * plural; `shown` replaces the number's text.
 */
export function withPlural(
  value: bigint | number,
  one: string,
  { many = `${one}s`, shown = String(value) }: { many?: string; shown?: string } = {},
): string {
  return `${shown} ${Number(value) === 1 ? one : many}`;
}
