import type { Payment } from '../../ledger/payments/payment.ts';
import { toApiParticipationStatus } from '../../database/status-words.ts';
import type { PageDeps } from '../deps.ts';
import type { DomainError, FieldError } from '../../errors/errors.ts';
import { toResult, type RawFields } from '../../http/forms.ts';
import { lastDispute, type LastDisputeRow } from '../../ledger/disputes/queries.ts';
import { refundsOfParticipation, type OwnRefundRow } from '../../ledger/refunds/queries.ts';
import { viewPayment } from '../../ledger/payments/operations.ts';
import { findRefundAccount } from '../../ledger/bank-accounts/queries.ts';
import { runInTransaction } from '../../operation/run.ts';
import type { OwnRow } from '../../participations/queries.ts';
import type { PageContext } from '../../web/visit.ts';
import { pageToPay } from '../../ledger/gateway/orders.ts';

/** The payment, refunds and dispute of one participation, as its buyer sees them. */
export interface Money {
  readonly payment: Payment | undefined;
  /** The reason why a due payment cannot be made now. */
  readonly unpayable: DomainError | undefined;
  /**
   * `isOffered`: online payment is available. `page`: the URL of the provider's page, once the
   * buyer has requested it.
   */
  readonly online: { readonly isOffered: boolean; readonly page: string | undefined };
  readonly refunds: readonly OwnRefundRow[];
  readonly dispute: LastDisputeRow | undefined;
  /** True if the buyer has saved a bank account for refunds. */
  readonly hasRefundAccount: boolean;
}

/** A form on the page of a participation that was refused: its errors and its input. */
export interface Fault {
  readonly form: 'proof' | 'online' | 'dispute' | 'received' | 'refund';
  readonly errors: readonly FieldError[];
  readonly refused?: DomainError | undefined;
  readonly typed?: RawFields;
  readonly status: number;
}

/** Converts the error of an operation to the data that its form shows. */
export function faultOf(form: Fault['form'], refused: DomainError, typed?: RawFields): Fault {
  const { fields, status } = refused;
  return { form, errors: fields, refused, status, ...(typed && { typed }) };
}

/**
 * Reads the payment, refunds and dispute of a participation. When a payment is viewed for the first
 * time, it gets its unique code and its receiving account.
 */
export async function moneyOf(app: PageDeps, visit: PageContext, row: OwnRow): Promise<Money> {
  const { campaign_id: campaign, participation_id: id, user_id: userId } = row;
  const [paying, refunds, dispute] = await Promise.all([
    paymentOf(app, visit, row),
    app.db.rows(refundsOfParticipation, campaign, id),
    app.db.maybe(lastDispute, campaign, id),
  ]);
  const asksWhere = refunds.some(({ status, kept_for: kept }) => status === 'due' && kept === null);
  const account = asksWhere && (await app.db.maybe(findRefundAccount, userId));
  const { payment } = paying;
  const page = payment && (await pageToPay(app.db, payment));
  const online = { isOffered: app.payments.gateway !== undefined, page };
  return { ...paying, online, refunds, dispute, hasRefundAccount: Boolean(account) };
}

async function paymentOf(
  app: PageDeps,
  { actor }: PageContext,
  row: OwnRow,
): Promise<Pick<Money, 'payment' | 'unpayable'>> {
  const none = { payment: undefined, unpayable: undefined };
  const status = toApiParticipationStatus(row.status);
  const may = status === 'reserved' ? row.payment_timing === 'upfront' : status !== 'cancelled';
  if (!may || status === 'refunded') return none;
  const answer = await toResult(() =>
    runInTransaction(app.db, (tx) =>
      viewPayment(tx, actor, row.participation_id, app.payments.gateway !== undefined),
    ),
  );
  if ('done' in answer) return { ...none, payment: answer.done };
  if (answer.refused.code === 'payment_not_due') return none;
  return { ...none, unpayable: answer.refused };
}
