import {
  participationStatuses,
  toDbParticipationStatus,
  type ParticipationStatus,
} from '../database/status-words.ts';
import type { Database } from '../database/pool.ts';
import { DomainError } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import type { PaymentState } from '../ledger/payments/payment-state.ts';
import { viewPayment } from '../ledger/payments/operations.ts';
import { runInTransaction } from '../operation/run.ts';
import * as sql from './queries.ts';

export interface OwnParticipationsInput {
  /** Filter: only orders with one of these statuses. Undefined means all orders. */
  readonly statuses?: readonly ParticipationStatus[] | undefined;
  /** Filter: only orders with one of these payment states. Undefined means all orders. */
  readonly paymentStates?: readonly PaymentState[] | undefined;
  /** The last id of the previous page; null for the first page. */
  readonly before: string | null;
  readonly limit: number;
}

/**
 * Returns a page of a buyer's orders, newest first, with the exact amounts to transfer. An open
 * payment that has no receiving account and unique code yet gets them now.
 */
export async function viewOwnParticipations(
  db: Database,
  actor: Actor,
  userId: string,
  { statuses = participationStatuses, paymentStates, before, limit }: OwnParticipationsInput,
): Promise<sql.OwnRow[]> {
  const stored = statuses.map(toDbParticipationStatus);
  const states = paymentStates === undefined ? null : [...paymentStates];
  const read = () => db.rows(sql.listOwnParticipations, userId, stored, before, limit, states);
  const rows = await read();
  const unopened = rows.filter((row) => row.amount_due > 0n && !row.has_account);
  if (unopened.length === 0) return rows;
  const opened = await Promise.all(unopened.map((row) => open(db, actor, row.participation_id)));
  return opened.includes(true) ? await read() : rows;
}

/**
 * Assigns a receiving account and a unique code to a payment. Returns false when that is not
 * possible now.
 */
async function open(db: Database, actor: Actor, participationId: string): Promise<boolean> {
  try {
    await runInTransaction(db, (tx) => viewPayment(tx, actor, participationId));
    return true;
  } catch (error) {
    // For this order, the list shows the price instead of the amount to transfer. The page of the
    // order shows why the payment has no account.
    if (error instanceof DomainError) return false;
    throw error;
  }
}
