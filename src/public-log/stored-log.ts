import type { Queryable } from '../database/query.ts';
import { checkpointText, originOf, type SignedCheckpoint } from './checkpoint.ts';
import { hashBytes, splitHashes } from './merkle.ts';
import { verifySignature, type VerifierKey } from './note.ts';
import type { TileReader } from './proofs.ts';
import * as sql from './queries.ts';

// Reads the public log that the writer has stored.

const pageSize = 1_000;

/** Returns the newest checkpoint of a campaign; undefined before the first one. */
export async function findCheckpoint(
  db: Queryable,
  campaignId: string,
): Promise<SignedCheckpoint | undefined> {
  const row = await db.maybe(sql.newestCheckpoint, campaignId);
  return row && (await withKeys(db, [row]))[0];
}

/** Returns the newest checkpoint with this number of records; undefined if there is none. */
export async function findCheckpointOfSize(
  db: Queryable,
  campaignId: string,
  size: number,
): Promise<SignedCheckpoint | undefined> {
  const row = await db.maybe(sql.checkpointOfSize, campaignId, BigInt(size));
  return row && (await withKeys(db, [row]))[0];
}

/** Adds to stored checkpoints the names and ids of the keys that signed them. */
export async function withKeys(
  db: Queryable,
  rows: readonly sql.CheckpointRow[],
): Promise<SignedCheckpoint[]> {
  const numbers = [...new Set(rows.map(({ key_number: number }) => number))];
  const keys = new Map((await db.rows(sql.namesOfKeys, numbers)).map((key) => [key.number, key]));
  return rows.map((row) => {
    const key = keys.get(row.key_number)!;
    return {
      origin: originOf(key.name, row.campaign_id),
      size: Number(row.size),
      root: row.root,
      lines: row.lines.split('\n').slice(0, -1),
      name: key.name,
      keyId: key.key_id,
      signature: row.signature,
    };
  });
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

/** The first checkpoint of a campaign that no key of the list has signed. */
export interface WrongSignature {
  readonly campaign_id: string;
  readonly seq: bigint;
  readonly problem: string;
}

/** Verifies the signatures of all checkpoints of a campaign. Returns the first wrong one. */
export async function wrongSignatures(
  db: Queryable,
  campaignId: string,
  keys: readonly VerifierKey[],
): Promise<WrongSignature[]> {
  for (let after = 0n; ;) {
    const rows = await db.rows(sql.checkpointsOfCampaign, campaignId, after, pageSize);
    for (const one of await withKeys(db, rows)) {
      const key = keys.find(({ name, keyId }) => name === one.name && keyId.equals(one.keyId));
      if (key !== undefined && verifySignature(checkpointText(one), one.signature, key)) continue;
      const problem = 'the checkpoint of this size has a wrong signature';
      return [{ campaign_id: campaignId, seq: BigInt(one.size), problem }];
    }
    if (rows.length < pageSize) return [];
    after = rows.at(-1)!.size;
  }
}
