import type { BankAccountRow } from '../bank-accounts/queries.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';
import type { Proof } from './proofs.ts';
import type { PaymentRow } from './queries.ts';
import { toTransfer } from './rupiah.ts';

/** The payment of a participation, with its status. */
export interface Payment {
  readonly id: string;
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly status: LedgerEntryStatus;
  /** Quantity × price, in whole rupiah. */
  readonly amount: bigint;
  readonly unique_code: number;
  /** The exact number of rupiah to transfer: amount + unique_code. */
  readonly total: bigint;
  readonly pay_by: Date | null;
  /**
   * The bank account to transfer to. Null if the payment was never viewed, or can only be paid
   * online.
   */
  readonly account: BankAccountRow | null;
  /** The reason why the proof was rejected. */
  readonly reason: string | null;
  readonly has_proof: boolean;
  /** The latest proof of payment in its stored form; null if there is none. */
  readonly proof: SentProof | null;
  readonly created_at: Date;
  readonly settled_at: Date | null;
  /** The time of payment, or only the day in Asia/Jakarta (YYYY-MM-DD) if the time is unknown. */
  readonly paid_at: Date | null;
  readonly paid_on: string | null;
}

/** Metadata of a proof of payment. */
export interface SentProof {
  readonly content_type: Proof['contentType'];
  readonly bytes: number;
  readonly sent_at: Date;
}

function sentProofOf(row: PaymentRow): SentProof | null {
  const { proof_type: type, proof_bytes: bytes, proof_sent_at: sentAt } = row;
  if (type === null || bytes === null || sentAt === null) return null;
  return { content_type: type, bytes, sent_at: sentAt };
}

/** Converts a row to a payment. */
export function paymentOf(row: PaymentRow): Payment {
  const { bank, number, holder } = row;
  const known = bank !== null && number !== null && holder !== null;
  return {
    id: row.transaction_id,
    campaign_id: row.campaign_id,
    participation_id: row.participation_id,
    status: row.status,
    amount: row.amount,
    unique_code: row.unique_code,
    total: toTransfer(row),
    pay_by: row.pay_by,
    account: known ? { bank, number, holder } : null,
    reason: row.reason,
    has_proof: row.has_proof,
    proof: sentProofOf(row),
    created_at: row.created_at,
    settled_at: row.settled_at,
    paid_at: row.paid_at,
    paid_on: row.paid_on,
  };
}
