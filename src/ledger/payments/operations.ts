import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError } from '../../errors/errors.ts';
import { actorLabel, type Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { proofThumbnail, type Proof } from './proofs.ts';
import * as sql from './queries.ts';
import { authorizeOnBuyer, type Buyer } from './authorize.ts';
import { paymentOf, type Payment } from './payment.ts';
import type { AgeCursor } from '../entries/cursor.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';

/**
 * What a participation has to pay. Its account and unique code are chosen when it is first looked
 * at; where `paysOnline` it may have neither, and is then paid through the provider alone. Refuses:
 * participation_not_found, forbidden, payment_not_due, payment_account_missing,
 * unique_codes_exhausted.
 */
export async function viewPayment(
  tx: Tx,
  actor: Actor,
  participationId: string,
  paysOnline = false,
): Promise<Payment> {
  const { buyer } = await authorizeOnBuyer(tx, actor, 'payment.read', participationId);
  return await open(tx, buyer, paysOnline);
}

/**
 * Shows that a buyer paid. The payment waits to be verified, and its hold does not lapse meanwhile;
 * a later proof takes the place of an earlier one. Refuses: participation_not_found, forbidden,
 * payment_not_due, payment_account_missing, unique_codes_exhausted, payment_not_open.
 */
export async function submitProof(
  tx: Tx,
  actor: Actor,
  participationId: string,
  proof: Proof,
): Promise<Payment> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'payment.prove', participationId);
  await tx.one(sql.lockPaymentsOf, buyer.campaign_id);
  await open(tx, buyer, false);
  const { contentType, content } = proof;
  await tx.one(
    sql.submitProof,
    buyer.campaign_id,
    participationId,
    contentType,
    content,
    actorLabel(caller),
  );
  return await open(tx, buyer, false);
}

/** Refuses a stranger before anything is done with the file; see submitProof. */
export async function authorizeProof(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<void> {
  await authorizeOnBuyer(db, actor, 'payment.prove', participationId);
}

/** The proof of a payment. Refuses: participation_not_found, forbidden, proof_not_found. */
export async function viewProof(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<Proof> {
  const { buyer } = await authorizeOnBuyer(db, actor, 'payment.read', participationId);
  const proof = await db.maybe(sql.findProof, buyer.campaign_id, participationId);
  if (proof === undefined) throw new DomainError('proof_not_found', {});
  return { contentType: proof.content_type, content: proof.content };
}

/**
 * The proof of a payment as a small picture (WebP). Refuses: participation_not_found, forbidden,
 * proof_not_found (also for a PDF, which has none).
 */
export async function viewProofThumbnail(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<Proof> {
  const proof = await viewProof(db, actor, participationId);
  if (proof.contentType !== 'image/webp') throw new DomainError('proof_not_found', {});
  return { ...proof, content: await proofThumbnail(proof.content) };
}

/** The outcome of received money, and the participation that has the slots. */
export interface Received {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly outcome: sql.ReceivedRow['outcome'];
}

/**
 * The money was seen: settles the payment and confirms a reserved participation, or does what is
 * done with late money. `amount` is what arrived, when it is not what was to be transferred; `paidOn`
 * the day of the transfer (Asia/Jakarta), which decides whether it was in time: unless told, the day
 * of its proof, and today without a proof.
 * Refuses: participation_not_found, forbidden, payment_not_due, payment_not_open,
 * installation_held.
 */
export async function verifyPayment(
  tx: Tx,
  actor: Actor,
  participationId: string,
  {
    amount,
    reference,
    paidOn = null,
  }: {
    readonly amount: bigint | null;
    readonly reference: string | null;
    readonly paidOn?: string | null;
  },
): Promise<Received> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'payment.verify', participationId);
  const { campaign_id } = buyer;
  await assertNotQuarantined(tx);
  const row = await tx.one(
    sql.verifyPayment,
    campaign_id,
    participationId,
    amount,
    actorLabel(caller),
    reference,
    paidOn,
  );
  return { campaign_id, ...row };
}

/**
 * Money arrived that a provider or a person tells of, for a participation. The same `receipt`
 * (a provider's own name for it, with the provider's in front) is counted once, however often and
 * late it is told of. For callers that have checked who tells. Refuses: campaign_not_found,
 * participation_not_found,
 * installation_held.
 */
export async function receiveMoney(
  tx: Tx,
  by: string,
  receipt: string,
  money: {
    readonly campaignId: string;
    readonly participationId: string;
    /** Whole rupiah that arrived. */
    readonly amount: bigint;
    readonly reference: string | null;
    /** When the buyer paid, which decides whether it was in time; now unless told. */
    readonly paidAt?: Date | null;
  },
): Promise<Received> {
  const { campaignId, participationId, amount, reference, paidAt = null } = money;
  await assertNotQuarantined(tx);
  const row = await tx.one(
    sql.receiveMoney,
    campaignId,
    participationId,
    amount,
    by,
    reference,
    receipt,
    paidAt,
  );
  return { campaign_id: campaignId, ...row };
}

/**
 * The proof shows no payment: it is payable again, and a hold has an hour at least. Refuses:
 * participation_not_found, forbidden, payment_not_due, payment_not_open.
 */
export async function rejectPayment(
  tx: Tx,
  actor: Actor,
  participationId: string,
  reason: string,
): Promise<Payment> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'payment.verify', participationId);
  const { campaign_id } = buyer;
  await tx.one(sql.rejectPayment, campaign_id, participationId, reason, actorLabel(caller));
  return await found(tx, buyer);
}

/**
 * A buyer of a completed campaign will not pay: nothing is delivered to them. Refuses:
 * participation_not_found, forbidden, payment_not_due, payment_not_open,
 * participation_transition_not_allowed, payout_settled_already.
 */
export async function writeOffPayment(
  tx: Tx,
  actor: Actor,
  participationId: string,
  reason: string,
): Promise<Payment> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'payment.verify', participationId);
  const { campaign_id } = buyer;
  await tx.one(sql.writeOffPayment, campaign_id, participationId, reason, actorLabel(caller));
  return await found(tx, buyer);
}

/**
 * A page of payments in one open status, the oldest first; or of those that are overdue, the longest
 * overdue first. Refuses: forbidden.
 */
export async function openPayments(
  db: Queryable,
  actor: Actor,
  status: LedgerEntryStatus | 'overdue',
  [position, id]: AgeCursor,
  limit: number,
): Promise<sql.PaymentRow[]> {
  authorize(actor, 'payment.verify');
  return status === 'overdue'
    ? await db.rows(sql.listOverduePayments, position, id, limit)
    : await db.rows(sql.listPayments, status, position, id, limit);
}

async function open(tx: Tx, buyer: Buyer, paysOnline: boolean): Promise<Payment> {
  const { campaign_id, participation_id } = buyer;
  const row = await tx.maybe(sql.openPayment, campaign_id, participation_id, paysOnline);
  if (row === undefined) throw new DomainError('payment_not_due', {});
  return paymentOf(row);
}

async function found(tx: Tx, { campaign_id, participation_id }: Buyer): Promise<Payment> {
  return paymentOf(await tx.one(sql.findPayment, campaign_id, participation_id));
}
