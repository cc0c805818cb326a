import { originOf, parseCheckpointText, type Checkpoint } from './checkpoint.ts';
import type { LogSource } from './log-source.ts';
import { Frontier } from './merkle.ts';
import { NoteError, openNote, type OpenedNote, type VerifierKey } from './note.ts';
import { parseRecord, recordBytes, type PublicRecord } from './record.ts';

/** The log of a campaign shows something that cannot be right; the message is for people. */
export class LogProblem extends Error {}

/** The records of a campaign, and the checkpoint that covers them. */
export interface CampaignLog {
  readonly checkpoint: Checkpoint;
  readonly records: readonly PublicRecord[];
}

const tileWidth = 256;
/** Number of tiles that are requested at the same time. */
const tilesAtOnce = 8;

/** Returns the path of a tile of records; `width` is 256 for a complete one. */
export function entriesPath(tile: number, width: number): string {
  const groups = String(tile)
    .padStart(Math.ceil(String(tile).length / 3) * 3, '0')
    .match(/.{3}/g)!;
  const name = groups.map((group, n) => (n < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/entries/${name}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** The paths of all tiles of records of a log with this many records, in order. */
export function entriesPaths(size: number): string[] {
  return Array.from({ length: Math.ceil(size / tileWidth) }, (_, tile) =>
    entriesPath(tile, Math.min(tileWidth, size - tile * tileWidth)),
  );
}

/** Reads the newest checkpoint of a campaign, and verifies its signature. Throws LogProblem. */
export async function readCheckpoint(
  source: LogSource,
  campaignId: string,
  keys: readonly VerifierKey[],
): Promise<Checkpoint> {
  const note = await source.read(campaignId, 'checkpoint');
  if (note === undefined)
    throw new LogProblem('the log of the campaign has no checkpoint any more');
  let opened: OpenedNote;
  try {
    opened = openNote(note.toString('utf8'), keys);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new LogProblem(`the newest checkpoint is wrong: ${error.message}`);
  }
  const checkpoint = parseCheckpointText(opened.text);
  if (!opened.signedBy.some(({ name }) => checkpoint.origin === originOf(name, campaignId))) {
    throw new LogProblem('the newest checkpoint is of another log');
  }
  return checkpoint;
}

/**
 * Reads all records of a checkpoint, and checks that they have its root. Throws LogProblem.
 */
export async function readRecords(
  source: LogSource,
  campaignId: string,
  checkpoint: Checkpoint,
): Promise<CampaignLog> {
  const paths = entriesPaths(checkpoint.size);
  const tiles: Buffer[][] = [];
  for (let n = 0; n < paths.length; n += tilesAtOnce) {
    const some = paths.slice(n, n + tilesAtOnce);
    tiles.push(...(await Promise.all(some.map((path) => readTile(source, campaignId, path)))));
  }
  const records = tiles.flat().map((bytes) => {
    const record = parseRecord(bytes);
    if (record === undefined) throw new LogProblem('a record of the log has another format');
    return record;
  });
  if (records.length !== checkpoint.size) throw new LogProblem('records of the log are missing');
  const root = rootsOf(records, [checkpoint.size]).get(checkpoint.size)!;
  if (!root.equals(checkpoint.root)) {
    throw new LogProblem('the records of the log are not those of its newest checkpoint');
  }
  return { checkpoint, records };
}

/**
 * Returns the roots of the trees over the first records, by the number of records. A size that is
 * larger than the log has no root.
 */
export function rootsOf(
  records: readonly PublicRecord[],
  sizes: readonly number[],
): ReadonlyMap<number, Buffer> {
  const wanted = new Set(sizes);
  const frontier = new Frontier();
  const roots = new Map<number, Buffer>();
  const note = (): void => {
    if (wanted.has(frontier.size)) roots.set(frontier.size, frontier.root());
  };
  note();
  for (const { leafHash } of records) {
    frontier.append(leafHash);
    note();
  }
  return roots;
}

/** Reads a tile of records. Before each record is its length, in two bytes. */
async function readTile(source: LogSource, campaignId: string, path: string): Promise<Buffer[]> {
  const tile = await source.read(campaignId, path);
  if (tile === undefined) throw new LogProblem(`records of the log are missing: ${path}`);
  const entryBytes = recordBytes + 2;
  const entries = Array.from({ length: Math.ceil(tile.length / entryBytes) }, (_, n) =>
    tile.subarray(n * entryBytes, (n + 1) * entryBytes),
  );
  if (
    entries.some((entry) => entry.length !== entryBytes || entry.readUInt16BE() !== recordBytes)
  ) {
    throw new LogProblem(`records of the log are damaged: ${path}`);
  }
  return entries.map((entry) => entry.subarray(2));
}
