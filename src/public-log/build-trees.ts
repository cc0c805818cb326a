import type { Tx } from '../database/transaction.ts';
import { checkpointText, originOf } from './checkpoint.ts';
import type { LogSigner } from './keys.ts';
import { Frontier, hashBytes, splitHashes } from './merkle.ts';
import * as sql from './writer-queries.ts';

// One step of the writer: extends the trees of some campaigns and signs their checkpoints. A step
// reads only the audit log and the trees, and stores everything in one transaction. So it can be
// repeated at any time, by any worker.

/** The number of tree levels between the hashes of a tile and its root. */
const tileHeight = 8;
/** The highest tile level that is stored; a log would need 2^56 records for the next one. */
const maxTileLevel = 6;

/** What a step needs besides the transaction. */
export interface StepContext {
  readonly signer: LogSigner;
  readonly restores: readonly { readonly restored_at: Date; readonly backup_at: Date }[];
  readonly nextNumber: bigint;
  readonly now: Date;
  /** Maximum number of records of all campaigns together. */
  readonly maxRecords: number;
}

/** The result of a step. */
export interface Step {
  readonly checkpoints: number;
  /** Age of the oldest new record of each campaign, in seconds. */
  readonly ages: readonly number[];
  /** Campaigns that have more records than the step could read. */
  readonly unfinished: readonly string[];
  /** The time of the newest record that was read of an unfinished campaign. */
  readonly unfinishedSince: Date | null;
  /** Campaigns whose log contradicts their tree, with the reason. */
  readonly broken: ReadonlyMap<string, string>;
}

/** A tree that is being extended. */
interface GrowingTree {
  readonly row: sql.TreeRow;
  readonly frontier: Frontier;
  readonly target: number;
}

/** A full tile that a step has completed. */
interface FullTile {
  readonly campaignId: string;
  readonly level: number;
  readonly number: number;
  readonly root: Buffer;
}

/** Extends the trees of these campaigns, and signs a checkpoint for each that has changed. */
export async function buildTrees(
  tx: Tx,
  campaignIds: readonly string[],
  context: StepContext,
): Promise<Step> {
  const rows = await tx.rows(sql.changedTrees, [...campaignIds]);
  const broken = new Map<string, string>();
  const { trees, unfinished } = planTrees(rows, context.maxRecords, broken);
  const { tiles, leaves } = await extendTrees(tx, trees, broken);
  const built = trees.filter(({ row }) => !broken.has(row.campaign_id));
  if (tiles.length > 0) await insertTiles(tx, tiles, broken);
  if (built.length > 0) await saveCheckpoints(tx, built, context);
  const unfinishedTimes = leaves
    .filter(({ campaign_id: id }) => unfinished.has(id) && !broken.has(id))
    .map(({ newest }) => newest.getTime());
  return {
    checkpoints: built.length,
    ages: leaves
      .filter(({ campaign_id: id }) => !broken.has(id))
      .map(({ oldest }) => (context.now.getTime() - oldest.getTime()) / 1_000),
    unfinished: [...unfinished],
    unfinishedSince: unfinishedTimes.length > 0 ? new Date(Math.min(...unfinishedTimes)) : null,
    broken,
  };
}

/** Decides how far each tree grows in this step. */
function planTrees(
  rows: readonly sql.TreeRow[],
  maxRecords: number,
  broken: Map<string, string>,
): { trees: GrowingTree[]; unfinished: Set<string> } {
  const trees: GrowingTree[] = [];
  const unfinished = new Set<string>();
  let left = maxRecords;
  for (const row of rows) {
    const size = Number(row.size);
    const end = Number(row.audit_seq);
    if (end < size) {
      broken.set(row.campaign_id, `the log has ${end} records, but ${size} were signed`);
      continue;
    }
    const target = Math.min(end, size + left);
    if (target < end) unfinished.add(row.campaign_id);
    if (target === size && end > size) continue;
    left -= target - size;
    const frontier = new Frontier(size, row.subtrees ?? new Uint8Array());
    trees.push({ row, frontier, target });
  }
  return { trees, unfinished };
}

/** Reads the new leaves and appends them to the trees. Returns the tiles that became full. */
async function extendTrees(
  tx: Tx,
  trees: readonly GrowingTree[],
  broken: Map<string, string>,
): Promise<{ tiles: FullTile[]; leaves: readonly sql.LeavesRow[] }> {
  const growing = trees.filter(({ frontier, target }) => target > frontier.size);
  if (growing.length === 0) return { tiles: [], leaves: [] };
  const leaves = await tx.rows(
    sql.readLeaves,
    growing.map(({ row }) => row.campaign_id),
    growing.map(({ row }) => row.size),
    growing.map(({ target }) => BigInt(target)),
  );
  const leavesOf = new Map(leaves.map((row) => [row.campaign_id, row]));
  const tiles: FullTile[] = [];
  for (const { row, frontier, target } of growing) {
    const expected = target - frontier.size;
    const found = leavesOf.get(row.campaign_id);
    if (found === undefined || Number(found.records) !== expected) {
      const records = found?.records ?? 0n;
      broken.set(row.campaign_id, `${records} of ${expected} records after ${row.size} are there`);
    } else if (found.leaves.length !== expected * hashBytes) {
      broken.set(row.campaign_id, `a record after ${row.size} has no leaf hash`);
    } else {
      for (const leaf of splitHashes(found.leaves)) {
        frontier.append(leaf, (height, index, root) => {
          const level = height / tileHeight - 1;
          if (!Number.isInteger(level) || level > maxTileLevel) return;
          tiles.push({ campaignId: row.campaign_id, level, number: index, root });
        });
      }
    }
  }
  return { tiles, leaves };
}

async function insertTiles(
  tx: Tx,
  all: readonly FullTile[],
  broken: ReadonlyMap<string, string>,
): Promise<void> {
  const tiles = all.filter(({ campaignId }) => !broken.has(campaignId));
  await tx.rows(
    sql.insertTiles,
    tiles.map(({ campaignId }) => campaignId),
    tiles.map(({ level }) => level),
    tiles.map(({ number }) => BigInt(number)),
    tiles.map(({ root }) => root),
  );
}

/** Signs the checkpoints of the trees in the thread pool, and stores checkpoints and trees. */
async function saveCheckpoints(
  tx: Tx,
  trees: readonly GrowingTree[],
  { signer, restores, nextNumber, now }: StepContext,
): Promise<void> {
  const checkpoints = trees.map(({ row, frontier }) => ({
    origin: originOf(signer.name, row.campaign_id),
    size: frontier.size,
    root: frontier.root(),
    lines: restores.filter(({ restored_at: at }) => at >= row.created_at).map(restoreLine),
  }));
  const signatures = await Promise.all(
    checkpoints.map((checkpoint) => signer.sign(checkpointText(checkpoint))),
  );
  const ids = trees.map(({ row }) => row.campaign_id);
  const sizes = trees.map(({ frontier }) => BigInt(frontier.size));
  await tx.rows(
    sql.insertCheckpoints,
    ids,
    sizes,
    checkpoints.map(({ lines }) => lines.map((line) => `${line}\n`).join('')),
    checkpoints.map(({ root }) => root),
    signatures,
    signer.number,
    now,
    nextNumber,
  );
  const subtrees = trees.map(({ frontier }) => frontier.toBytes());
  await tx.rows(sql.saveTrees, ids, sizes, subtrees);
}

/** Returns the extension line of a restore: the time of the backup in whole seconds. */
function restoreLine({ backup_at: at }: { readonly backup_at: Date }): string {
  return `restored ${at.toISOString().slice(0, 19)}Z`;
}
