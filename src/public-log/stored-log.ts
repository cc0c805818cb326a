import type { Queryable } from '../database/query.ts';
import { originOf, type SignedCheckpoint } from './checkpoint.ts';
import { hashBytes, splitHashes } from './merkle.ts';
import type { TileReader } from './proofs.ts';
import * as sql from './queries.ts';

// Reads the public log that the writer has stored.

/** Returns the newest checkpoint of a campaign; undefined before the first one. */
export async function findCheckpoint(
  db: Queryable,
  campaignId: string,
): Promise<SignedCheckpoint | undefined> {
  const row = await db.maybe(sql.newestCheckpoint, campaignId);
  return row && checkpointOf(row);
}

/** Returns the newest checkpoint with this number of records; undefined if there is none. */
export async function findCheckpointOfSize(
  db: Queryable,
  campaignId: string,
  size: number,
): Promise<SignedCheckpoint | undefined> {
  const row = await db.maybe(sql.checkpointOfSize, campaignId, BigInt(size));
  return row && checkpointOf(row);
}

export function checkpointOf(row: sql.CheckpointRow): SignedCheckpoint {
  return {
    origin: originOf(row.name, row.campaign_id),
    size: Number(row.size),
    root: row.root,
    lines: row.lines.split('\n').slice(0, -1),
    name: row.name,
    keyId: row.key_id,
    signature: row.signature,
  };
}

/**
 * Returns a reader of the hash tiles of a campaign, for proofs. It throws for a tile beyond the
 * newest checkpoint.
 */
export function tileReader(db: Queryable, campaignId: string): TileReader {
  return async ({ level, number, width }) => {
    const { hashes } = await db.one(sql.readTile, campaignId, level, BigInt(number), width);
    if (hashes?.length !== width * hashBytes) {
      throw new Error(`tile ${level}/${number} of campaign ${campaignId} is incomplete`);
    }
    return splitHashes(hashes);
  };
}
