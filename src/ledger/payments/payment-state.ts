/**
 * How the money of a participation stands, in one word. It is derived from the participation and
 * its ledger entries wherever it is shown, and is stored nowhere.
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

/** What every list of participations says about money. Whole rupiah. */
export interface ParticipationMoney {
  readonly payment_state: PaymentState;
  /** What is still to be transferred: with its unique code once that is given. 0: nothing. */
  readonly amount_due: bigint;
  /** By when an open payment is to be made; null while nothing is due. */
  readonly pay_by: Date | null;
  /** Everything that arrived for it. */
  readonly paid_amount: bigint;
  /** What is to go back to the buyer. */
  readonly refund_due_amount: bigint;
  /** What went back to the buyer and stayed there. */
  readonly refunded_amount: bigint;
}

/**
 * Slots of participation `p` that the buyer gets: what was bought without what cannot be delivered,
 * and none of an order that is cancelled or refunded.
 */
export const deliveredQuantity = (p: string) =>
  `case when ${p}.status in ('cancelled', 'refunded') then 0
      else ${p}.quantity - ${p}.undelivered_slots end`;

/**
 * The ledger entries of participation `p`, added up as `m`: one look into an index for each
 * participation, so that no planner compares every entry with every participation.
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

/** The payment state of participation `p` of campaign `c`, with its ledger entries `m`. */
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

/** The states in which money is asked of the buyer now. */
const owing = `('due', 'overdue')`;

/** The columns of ParticipationMoney, of participation `p`, campaign `c` and entries `m`. */
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
