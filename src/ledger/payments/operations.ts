import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
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
 * Returns the payment of a participation. The first view assigns the receiving account and the
 * unique code. If `paysOnline` is true, the payment may have neither; then the buyer can only pay
 * through the provider.
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
viewPayment.refusals = refusals(authorizeOnBuyer, open);

/**
 * Stores a buyer's proof of payment. The payment waits for verification, and its hold does not
 * lapse meanwhile. A later proof replaces an earlier one.
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
submitProof.refusals = refusals(authorizeOnBuyer, open, 'payment_not_open', 'campaign_busy');

/**
 * Checks whether the caller may submit a proof. Call it before processing the file; see
 * submitProof.
 */
export async function authorizeProof(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<void> {
  await authorizeOnBuyer(db, actor, 'payment.prove', participationId);
}
authorizeProof.refusals = refusals(authorizeOnBuyer);

/** Returns the proof of a payment. */
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
viewProof.refusals = refusals(authorizeOnBuyer, 'proof_not_found');

/** Returns a thumbnail (WebP) of a proof. */
export async function viewProofThumbnail(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<Proof> {
  const proof = await viewProof(db, actor, participationId);
  if (proof.contentType !== 'image/webp') throw new DomainError('proof_not_found', {});
  return { ...proof, content: await proofThumbnail(proof.content) };
}
viewProofThumbnail.refusals = refusals(viewProof);

/** The outcome of received money, and the participation that got the slots. */
export interface Received {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly outcome: sql.ReceivedRow['outcome'];
}

/**
 * Verifies a payment manually: settles it and confirms a reserved participation, or refunds the
 * amount if it does not pay for the participation (for example, because it was too late). `amount`
 * is the received amount, if it differs from the expected amount. `paidOn` is the day of the
 * transfer (Asia/Jakarta), which decides whether it was in time; the default is the day of the
 * payment's proof, or today if it has no proof.
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
verifyPayment.refusals = refusals(
  authorizeOnBuyer,
  assertNotQuarantined,
  'payment_not_due',
  'payment_not_open',
  'campaign_busy',
);

/**
 * Records received money for a participation, reported by a provider or a person. Each `receipt`
 * (the provider's name and the provider's reference) is counted once, however often it is reported.
 * The caller must have authenticated the report.
 */
export async function receiveMoney(
  tx: Tx,
  by: string,
  receipt: string,
  money: {
    readonly campaignId: string;
    readonly participationId: string;
    /** Received amount in whole rupiah. */
    readonly amount: bigint;
    readonly reference: string | null;
    /** The time of payment, which decides whether the payment was in time. The default is now. */
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
receiveMoney.refusals = refusals(
  assertNotQuarantined,
  'campaign_not_found',
  'participation_not_found',
  'campaign_busy',
);

/**
 * Rejects a proof that shows no payment: the payment is due again, and the order's hold lasts at
 * least one more hour.
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
  return await currentPayment(tx, buyer);
}
rejectPayment.refusals = refusals(
  authorizeOnBuyer,
  'payment_not_due',
  'payment_not_open',
  'campaign_busy',
);

/** Writes off the payment of a buyer in a completed campaign; this buyer does not get the goods. */
export async function writeOffPayment(
  tx: Tx,
  actor: Actor,
  participationId: string,
  reason: string,
): Promise<Payment> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'payment.verify', participationId);
  const { campaign_id } = buyer;
  await tx.one(sql.writeOffPayment, campaign_id, participationId, reason, actorLabel(caller));
  return await currentPayment(tx, buyer);
}
writeOffPayment.refusals = refusals(
  authorizeOnBuyer,
  'payment_not_due',
  'payment_not_open',
  'participation_transition_not_allowed',
  'payout_settled_already',
  'campaign_busy',
);

/**
 * Returns a page of payments with one open status, oldest first, or of overdue payments, longest
 * overdue first.
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
openPayments.refusals = refusals(authorize);

async function open(tx: Tx, buyer: Buyer, paysOnline: boolean): Promise<Payment> {
  const { campaign_id, participation_id } = buyer;
  const row = await tx.maybe(sql.openPayment, campaign_id, participation_id, paysOnline);
  if (row === undefined) throw new DomainError('payment_not_due', {});
  return paymentOf(row);
}
open.refusals = refusals(
  'payment_not_due',
  'payment_account_missing',
  'unique_codes_exhausted',
  'campaign_busy',
);

async function currentPayment(tx: Tx, { campaign_id, participation_id }: Buyer): Promise<Payment> {
  return paymentOf(await tx.one(sql.findPayment, campaign_id, participation_id));
}
