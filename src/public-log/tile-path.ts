import { tileWidth } from './proofs.ts';

/** What a path below `tile/` names: hashes of a level or records, and how many of them. */
export interface TilePath {
  readonly level: number | 'entries';
  readonly number: number;
  /** 256 for a full tile. */
  readonly width: number;
}

/** The highest level; a tree of 2^40 leaves needs no higher one. */
const maxLevel = 5;

/**
 * Parses the segments of a path below `tile/` (c2sp.org/tlog-tiles), such as `0/x001/234.p/17`.
 * Returns undefined for any other path.
 */
export function parseTilePath(segments: readonly string[]): TilePath | undefined {
  const path = /^(\d|entries)\/((?:x\d{3}\/){0,3}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(
    segments.join('/'),
  );
  if (path === null) return undefined;
  const [, levelText = '', groups = '', widthText] = path;
  const level = levelText === 'entries' ? levelText : Number(levelText);
  const width = widthText === undefined ? tileWidth : Number(widthText);
  // The first group is not zero, unless it is the only one.
  if (groups.startsWith('x000')) return undefined;
  if (level !== 'entries' && level > maxLevel) return undefined;
  if (widthText !== undefined && width >= tileWidth) return undefined;
  return { level, number: Number(groups.replaceAll(/[x/]/g, '')), width };
}

/** The number of records that a log must have for this tile. */
export function recordsOfTile({ level, number, width }: TilePath): number {
  const span = level === 'entries' ? 1 : tileWidth ** level;
  return (number * tileWidth + width) * span;
}
