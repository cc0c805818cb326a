import { variables } from './settings.ts';

/** Variables that only the project's tests and benchmarks read, not the service. */
const ofTests = /^SAMBATAN_(?:TEST|CHAOS|BOOKS|FUZZ|SMALL|LOOKS|SCREENSHOTS|BROWSER)(?:_|$)/;
const ownPrefix = /^(?:SAMBATAN|MIDTRANS)_/i;
/**
 * A name with at most this edit distance from a setting counts as misspelt; other names are
 * different words.
 */
const maxDistance = 2;

export interface NameProblems {
  /** Names that are almost those of settings. The service would silently ignore them. */
  readonly misspelt: readonly string[];
  /**
   * Names with the service's prefix that are not settings of this version. A newer version may know
   * them.
   */
  readonly unknown: readonly string[];
}

/** Finds misspelt and unknown names of settings. Each result is a whole sentence. */
export function checkNames(names: readonly string[]): NameProblems {
  const known = Object.keys(variables);
  const misspelt: string[] = [];
  const unknown: string[] = [];
  for (const name of names) {
    if (known.includes(name) || !ownPrefix.test(name) || ofTests.test(name)) continue;
    const nearest = nearestOf(name.toUpperCase(), known);
    const isNear = distance(name.toUpperCase(), nearest) <= maxDistance;
    if (isNear) misspelt.push(`${name} is not a setting; did you mean ${nearest}?`);
    else unknown.push(`${name} is not a setting and has no effect; the nearest is ${nearest}`);
  }
  return { misspelt, unknown };
}

function nearestOf(name: string, known: readonly string[]): string {
  return known.toSorted((a, b) => distance(name, a) - distance(name, b))[0]!;
}

/** Returns the edit distance (Levenshtein). */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const changed = previous[column]! + (letter === other ? 0 : 1);
      current.push(Math.min(changed, previous[column + 1]! + 1, current[column]! + 1));
    }
    previous = current;
  }
  return previous.at(-1)!;
}
