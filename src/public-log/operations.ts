import type { Queryable } from '../database/query.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { consistencyProof, inclusionProof, tileWidth } from './proofs.ts';
import * as sql from './queries.ts';
import { findCheckpoint, findCheckpointOfSize, tileReader } from './stored-log.ts';
import { parseTilePath, recordsOfTile } from './tile-path.ts';

/**
 * Returns the number of records in the newest checkpoint. Throws when the campaign is a draft, or
 * when the log has fewer records than `needed`.
 */
async function requireRecords(db: Queryable, campaignId: string, needed: number): Promise<number> {
  const log = await db.maybe(sql.signedSize, campaignId);
  if (log === undefined) throw new DomainError('campaign_not_found', {});
  if (Number(log.size) < needed) throw new DomainError('log_part_not_found', {});
  return Number(log.size);
}
requireRecords.refusals = refusals('campaign_not_found', 'log_part_not_found');

/** Returns the newest checkpoint of a published campaign. */
export async function viewCheckpoint(db: Queryable, campaignId: string): Promise<SignedCheckpoint> {
  await requireRecords(db, campaignId, 1);
  return required(await findCheckpoint(db, campaignId));
}
viewCheckpoint.refusals = refusals(requireRecords);

/** Returns the newest checkpoint with this number of records. */
export async function viewCheckpointOfSize(
  db: Queryable,
  campaignId: string,
  size: number,
): Promise<SignedCheckpoint> {
  await requireRecords(db, campaignId, size);
  return required(await findCheckpointOfSize(db, campaignId, size));
}
viewCheckpointOfSize.refusals = refusals(requireRecords);

/** Returns the bytes of a tile. `segments` are the parts of its path below `tile/`. */
export async function viewTile(
  db: Queryable,
  campaignId: string,
  segments: readonly string[],
): Promise<Buffer> {
  const path = parseTilePath(segments);
  await requireRecords(db, campaignId, path === undefined ? Infinity : recordsOfTile(path));
  const { level, number, width } = path!;
  const bytes =
    level === 'entries'
      ? (await db.one(sql.readEntries, campaignId, BigInt(number), width)).entries
      : (await db.one(sql.readTile, campaignId, level, BigInt(number), width)).hashes;
  return required(bytes ?? undefined);
}
viewTile.refusals = refusals(requireRecords);

/** Returns the inclusion proof of a record in the tree of a size, and the hash of its leaf. */
export async function viewInclusion(
  db: Queryable,
  campaignId: string,
  index: number,
  size: number,
): Promise<{ readonly leafHash: Buffer; readonly hashes: readonly Buffer[] }> {
  await requireRecords(db, campaignId, index < size ? size : Infinity);
  const readTile = tileReader(db, campaignId);
  const number = Math.floor(index / tileWidth);
  const width = Math.min(tileWidth, size - number * tileWidth);
  const leaves = await readTile({ level: 0, number, width });
  return {
    leafHash: Buffer.from(leaves[index % tileWidth]!),
    hashes: await inclusionProof(index, size, readTile),
  };
}
viewInclusion.refusals = refusals(requireRecords);

/** Returns the consistency proof between the trees of two sizes. */
export async function viewConsistency(
  db: Queryable,
  campaignId: string,
  from: number,
  to: number,
): Promise<readonly Buffer[]> {
  await requireRecords(db, campaignId, from <= to ? to : Infinity);
  return await consistencyProof(from, to, tileReader(db, campaignId));
}
viewConsistency.refusals = refusals(requireRecords);

function required<T>(found: T | undefined): T {
  if (found === undefined) throw new DomainError('log_part_not_found', {});
  return found;
}
