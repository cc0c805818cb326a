import { viewCampaign } from '../campaigns/operations.ts';
import type { Queryable } from '../database/query.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { inclusionProof } from '../public-log/proofs.ts';
import { encodeReceipt } from '../public-log/receipt.ts';
import { findCheckpoint, tileReader } from '../public-log/stored-log.ts';
import { newestSums, type PublishedSums } from '../public-log/sum-queries.ts';
import { sumLeafHash, type SumNode } from '../public-log/sum-tree.ts';
import type { SumTrees } from '../public-log/sum-trees.ts';
import { authorizeOnParticipation } from './operations.ts';
import * as sql from './log-queries.ts';

/**
 * Returns the receipt of an order as one line of text. Throws `receipt_pending` while no checkpoint
 * covers the order, and `receipt_not_available` after its account was deleted.
 */
export async function viewReceipt(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<string> {
  const { row } = await authorizeOnParticipation(
    db,
    actor,
    'participation.receipt',
    participationId,
  );
  const receipt = await findReceipt(db, row.campaign_id, participationId);
  if (receipt === 'pending') throw new DomainError('receipt_pending', {});
  if (receipt === 'not_available') throw new DomainError('receipt_not_available', {});
  return receipt;
}
viewReceipt.refusals = refusals(
  authorizeOnParticipation,
  'receipt_pending',
  'receipt_not_available',
);

/** Returns the receipt of an order as one line of text, or why there is none. */
export async function findReceipt(
  db: Queryable,
  campaignId: string,
  participationId: string,
): Promise<string | 'pending' | 'not_available'> {
  const row = await db.maybe(sql.findReceipt, campaignId, participationId);
  if (row === undefined || row.salt === null) return 'not_available';
  const checkpoint = await findCheckpoint(db, campaignId);
  if (checkpoint === undefined || BigInt(checkpoint.size) < row.seq) return 'pending';
  const { size, lines, keyId, signature } = checkpoint;
  return encodeReceipt({
    logName: checkpoint.name,
    campaignId,
    recordHead: row.record_head,
    salt: row.salt,
    privateRecord: row.private_record,
    treeSize: size,
    extraLines: lines.map((line) => `${line}\n`).join(''),
    keyId,
    signature,
    hashes: await inclusionProof(Number(row.seq) - 1, size, tileReader(db, campaignId)),
  });
}

/** Returns the newest sum checkpoint of a campaign. */
export async function viewSums(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<PublishedSums> {
  await viewCampaign(db, actor, campaignId);
  const sums = await db.maybe(newestSums, campaignId);
  if (sums === undefined) throw new DomainError('sums_not_published', {});
  return sums;
}
viewSums.refusals = refusals(viewCampaign, 'sums_not_published');

/** Returns true when the newest sum checkpoint counts what the buyer of an order paid. */
export async function hasPublishedSums(
  db: Queryable,
  campaignId: string,
  participationId: string,
): Promise<boolean> {
  return (await db.maybe(sql.findSumLeaf, campaignId, participationId, maxVersion)) !== undefined;
}

/** Higher than the version of any sum checkpoint. */
const maxVersion = 2_147_483_647;

/** The proof that what a buyer paid is counted. Amounts are in whole rupiah. */
export interface SumProofOfOrder {
  readonly participation_id: string;
  readonly salt: string;
  readonly paid: bigint;
  readonly index: number;
  readonly siblings: { hash: string; sum: bigint }[];
  readonly checkpoint: string;
}

/** Returns the proof that what the buyer of an order paid is in the newest sum checkpoint. */
export async function viewSumProof(
  { db, sumTrees }: { readonly db: Queryable; readonly sumTrees: SumTrees },
  actor: Actor,
  participationId: string,
): Promise<SumProofOfOrder> {
  const { row } = await authorizeOnParticipation(
    db,
    actor,
    'participation.receipt',
    participationId,
  );
  const { campaign_id: campaignId } = row;
  const sums = await db.maybe(newestSums, campaignId);
  if (sums === undefined) throw new DomainError('sums_not_published', {});
  const { version, checkpoint } = sums;
  const leaf = await db.maybe(sql.findSumLeaf, campaignId, participationId, version);
  const salt = leaf?.salt ?? null;
  const isOwn = salt !== null && leaf?.hash.equals(sumLeafHash(salt, participationId)) === true;
  const proof = isOwn ? (await sumTrees.find(campaignId, version)).prove(leaf.hash) : undefined;
  if (leaf === undefined || salt === null || proof === undefined) {
    throw new DomainError('sum_proof_not_available', {});
  }
  return {
    participation_id: participationId,
    salt: salt.toString('base64'),
    paid: leaf.paid,
    index: proof.index,
    siblings: proof.siblings.map(inBase64),
    checkpoint,
  };
}
viewSumProof.refusals = refusals(
  authorizeOnParticipation,
  'sums_not_published',
  'sum_proof_not_available',
);

function inBase64({ hash, sum }: SumNode): { hash: string; sum: bigint } {
  return { hash: hash.toString('base64'), sum };
}
