/**
 * The state of a participation's money in one word. It is derived from the participation and its
 * ledger entries and never stored.
 */
export const paymentStates = [
  'not_due',
  'due',
  'overdue',
  'proof_submitted',
  'pending_online',
  'paid',
  'refund_due',
  'refunded',
  'unpaid',
  'void',
] as const;
export type PaymentState = (typeof paymentStates)[number];

/** The columns about money that every list of participations has. Amounts are in whole rupiah. */
export interface ParticipationMoney {
  readonly payment_state: PaymentState;
  /**
   * The amount that the buyer still has to transfer, including the unique code if the payment has
   * one; 0 if the buyer owes nothing.
   */
  readonly amount_due: bigint;
  /** Due time of an open payment; null if nothing is due. */
  readonly pay_by: Date | null;
  /** The total that was received for this participation. */
  readonly paid_amount: bigint;
  /** The total that must still be refunded to the buyer. */
  readonly refund_due_amount: bigint;
  /** The total that was refunded, without transfers that the bank returned. */
  readonly refunded_amount: bigint;
}

/**
 * Returns SQL for the number of slots that the buyer of participation `p` gets: the ordered slots
 * without the undelivered slots, or 0 if the participation is cancelled or refunded.
 */
export const deliveredQuantity = (p: string) =>
  `case when ${p}.status in ('cancelled', 'refunded') then 0
      else ${p}.quantity - ${p}.undelivered_slots end`;

/**
 * Returns SQL that joins the totals of the ledger entries of participation `p`, as `m`. It forces
 * one index lookup per participation, so that no query plan compares every entry with every
 * participation.
 */
export const ledgerOf = (p: string) => `cross join lateral (
    select max(t.status) filter (where t.kind = 'payment') as payment_status,
      max(t.amount + t.unique_code) filter (where t.kind = 'payment') as to_transfer,
      max(t.pay_by) filter (where t.kind = 'payment') as pay_by,
      coalesce(bool_or(t.kind = 'payment' and t.account_id is not null), false) as has_account,
      coalesce(bool_or(t.kind = 'payment' and t.status = 'void' and t.reason = 'unpaid'), false)
        as is_written_off,
      coalesce(sum(t.amount + t.surcharge) filter (where t.kind = 'payment'
        and t.status = 'settled'), 0) + coalesce(sum(t.amount) filter (
        where t.purpose = 'credit' and t.status = 'settled'), 0) as paid,
      coalesce(sum(t.amount) filter (where t.kind = 'refund' and t.status in ('due', 'pending')), 0)
        as refund_due,
      coalesce(sum(t.amount) filter (where t.kind = 'refund' and t.status = 'settled'), 0)
        - coalesce(sum(t.amount) filter (where t.purpose in ('reversal', 'overpaid_refund')
          and t.status = 'settled'), 0) as refunded
    from sambatan.transactions t
    where t.campaign_id = ${p}.campaign_id and t.participation_id = ${p}.participation_id
    offset 0) m`;

/**
 * Returns SQL for the payment state of participation `p` of campaign `c`; `m` are the totals from
 * ledgerOf.
 */
export const paymentState = (p: string, c: string, m: string) => `case
      when ${deliveredQuantity(p)} = 0 then case
        when ${m}.refund_due > 0 then 'refund_due'
        when ${m}.refunded > 0 then 'refunded'
        when ${m}.payment_status = 'proof_submitted' then 'proof_submitted'
        when ${m}.payment_status = 'pending' then 'pending_online'
        when ${m}.is_written_off or ${p}.cancel_reason = 'unpaid' then 'unpaid'
        else 'void' end
      when ${m}.payment_status = 'settled' then 'paid'
      when ${m}.payment_status = 'proof_submitted' then 'proof_submitted'
      when ${m}.payment_status = 'pending' then 'pending_online'
      when ${m}.payment_status = 'void' then 'void'
      when ${m}.payment_status is null
        and (${p}.status <> 'pending_payment' or ${c}.payment_timing <> 'upfront') then 'not_due'
      when coalesce(${m}.pay_by, ${p}.hold_expires_at) < now() then 'overdue'
      else 'due' end`;

/** The states in which the buyer has to pay now. */
const owing = `('due', 'overdue')`;

/**
 * Returns SQL for the columns of ParticipationMoney. `p` is the participation, `c` the campaign,
 * and `m` the totals from ledgerOf.
 */
export const moneyColumns = (p: string, c: string, m: string) => {
  const state = paymentState(p, c, m);
  return `${state} as payment_state,
    case when ${state} in ${owing}
      then coalesce(${m}.to_transfer, ${p}.quantity * ${c}.price_per_slot) else 0 end::bigint
      as amount_due,
    case when ${state} in ('due', 'overdue', 'proof_submitted', 'pending_online')
      then coalesce(${m}.pay_by, ${p}.hold_expires_at) end as pay_by,
    ${m}.paid::bigint as paid_amount, ${m}.refund_due::bigint as refund_due_amount,
    ${m}.refunded::bigint as refunded_amount`;
};
