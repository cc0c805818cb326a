import { joinPeaks, nodeHash } from './merkle.ts';

// Which hashes make up a proof, and how they are computed from hash tiles (c2sp.org/tlog-tiles).

/** The number of hashes in a full tile. */
export const tileWidth = 256;
/** The number of tree levels in a tile: its hashes are this many levels below its root. */
const tileHeight = 8;

/** The leaves from `start` up to, but not including, `end`. */
interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** A tile of a log: full if its width is 256, otherwise the first hashes of a growing tile. */
export interface Tile {
  readonly level: number;
  readonly number: number;
  readonly width: number;
}

/** Returns the hashes of a tile, or throws. */
export type TileReader = (tile: Tile) => Promise<readonly Uint8Array[]>;

/**
 * Computes the inclusion proof of a leaf: the hashes of the subtrees beside its path, from the leaf
 * to the root (RFC 6962, section 2.1.1). `index` must be below `size`.
 */
export async function inclusionProof(
  index: number,
  size: number,
  readTile: TileReader,
): Promise<Buffer[]> {
  return await hashRanges(inclusionRanges(index, { start: 0, end: size }), size, readTile);
}

/**
 * Computes the consistency proof between the trees of two sizes (RFC 6962, section 2.1.2). The
 * proof is empty when the sizes are equal, or when `from` is 0. `from` must not be above `to`.
 */
export async function consistencyProof(
  from: number,
  to: number,
  readTile: TileReader,
): Promise<Buffer[]> {
  if (from === 0 || from === to) return [];
  return await hashRanges(consistencyRanges(from, { start: 0, end: to }, true), to, readTile);
}

/** Computes the root of the tree with this many leaves. */
export async function rootAt(size: number, readTile: TileReader): Promise<Buffer> {
  if (size === 0) return joinPeaks([]);
  return (await hashRanges([{ start: 0, end: size }], size, readTile))[0]!;
}

function inclusionRanges(index: number, range: LeafRange): LeafRange[] {
  if (range.end - range.start === 1) return [];
  const middle = splitOf(range);
  const left = { start: range.start, end: middle };
  const right = { start: middle, end: range.end };
  return index < middle
    ? [...inclusionRanges(index, left), right]
    : [...inclusionRanges(index, right), left];
}

/** `isWhole` is true while the smaller tree is complete in itself, so that its root is known. */
function consistencyRanges(from: number, range: LeafRange, isWhole: boolean): LeafRange[] {
  if (from === range.end) return isWhole ? [] : [range];
  const middle = splitOf(range);
  const left = { start: range.start, end: middle };
  const right = { start: middle, end: range.end };
  return from <= middle
    ? [...consistencyRanges(from, left, isWhole), right]
    : [...consistencyRanges(from, right, false), left];
}

/** Where RFC 6962 divides a range: after the largest power of two below its length. */
function splitOf({ start, end }: LeafRange): number {
  return start + 2 ** (Math.ceil(Math.log2(end - start)) - 1);
}

/** Computes the root of each range in a tree of this size. Reads each tile at most once. */
async function hashRanges(
  ranges: readonly LeafRange[],
  size: number,
  readTile: TileReader,
): Promise<Buffer[]> {
  const tiles = new Map<string, Promise<readonly Uint8Array[]>>();
  const read = (level: number, number: number): Promise<readonly Uint8Array[]> => {
    const key = `${level}/${number}`;
    const known = tiles.get(key);
    if (known !== undefined) return known;
    const hashesOfLevel = Math.floor(size / tileWidth ** level);
    const width = Math.min(tileWidth, hashesOfLevel - number * tileWidth);
    const reading = readTile({ level, number, width });
    tiles.set(key, reading);
    return reading;
  };
  const subtreeHash = async (height: number, index: number): Promise<Uint8Array> => {
    const level = Math.floor(height / tileHeight);
    const count = 2 ** (height % tileHeight);
    const first = index * count;
    const hashes = await read(level, Math.floor(first / tileWidth));
    const offset = first % tileWidth;
    return foldSubtree(hashes.slice(offset, offset + count));
  };
  return await Promise.all(
    ranges.map(async (range) =>
      joinPeaks(
        await Promise.all(subtreesOf(range).map(({ height, index }) => subtreeHash(height, index))),
      ),
    ),
  );
}

/** Splits a range of RFC 6962 into complete subtrees, largest first. */
function subtreesOf({ start, end }: LeafRange): { height: number; index: number }[] {
  const found: { height: number; index: number }[] = [];
  for (let at = start; at < end;) {
    const height = Math.floor(Math.log2(end - at));
    found.push({ height, index: at / 2 ** height });
    at += 2 ** height;
  }
  return found;
}

/** Computes the root of a complete subtree from its leaves or inner nodes; their number is 2^n. */
function foldSubtree(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) throw new Error('a hash tile is too short');
  let row = hashes;
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, i) =>
      nodeHash(below[2 * i]!, below[2 * i + 1]!),
    );
  }
  return row[0]!;
}
