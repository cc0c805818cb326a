import type pg from 'pg';

/**
 * Closes due campaigns one after the other. Each statement is a separate transaction: read the
 * campaign, set its status, settle its participants, write due payments, write the payout, write
 * the log. This variant has advantages over Sambatan: prepared statements, one statement for all
 * participants of a campaign, no hashes of the log, and no concurrent load. If the process dies
 * between two statements, the campaign stays half closed.
 */
export async function closeOneByOne(db: pg.Client, campaignIds: readonly string[]): Promise<void> {
  for (const id of campaignIds) {
    const { rows } = await db.query<{ reached: boolean }>({
      name: 'naive_read',
      text: `select filled_slots >= minimum_slots as reached from sambatan.campaigns
        where campaign_id = $1 and status = 'active' and deadline <= now()`,
      values: [id],
    });
    if (rows[0] === undefined) continue;
    for (const [name, text] of rows[0].reached ? completing : failing) {
      await db.query({ name, text, values: [id] });
    }
  }
}

const log = (outcome: string, event: string, participantEvent: string) => `
  insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
    actor_kind, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
  select campaign_id, 1000000 + row_number() over (), now(), participation_id,
    event::sambatan.audit_event, 'system', 0, 0, 0, 200000, '', ''
  from (
    select campaign_id, participation_id, '${participantEvent}' as event from sambatan.participants
      where campaign_id = $1 and status = '${outcome}'
    union all select $1::uuid, null, '${event}'
  ) e`;

type Statements = readonly (readonly [name: string, text: string])[];

const completing: Statements = [
  [
    'naive_complete',
    `with states as (
      update sambatan.campaign_states set status = 'fulfilled', next_run_at = null,
        confirmed_slots = filled_slots
      where campaign_id = $1 and status = 'active' returning filled_slots)
    update sambatan.campaign_details set status = 'fulfilled', completed_at = now(),
      slots_at_close = filled_slots
    from states where campaign_id = $1`,
  ],
  [
    'naive_confirm',
    `update sambatan.participants set status = 'confirmed', confirmed_at = now()
    where campaign_id = $1 and status = 'pending_payment'`,
  ],
  [
    'naive_payments',
    `insert into sambatan.transactions (campaign_id, kind, participation_id, amount, cause, actor,
      created_at)
    select campaign_id, 'payment', participation_id, 200000 * quantity,
      'payment:' || participation_id, 'system', now()
    from sambatan.participants where campaign_id = $1`,
  ],
  [
    'naive_payout',
    `insert into sambatan.transactions (campaign_id, kind, amount, cause, actor, created_at)
    select campaign_id, 'payout', confirmed_slots * price_per_slot * 97 / 100, 'payout', 'system',
      now()
    from sambatan.campaigns where campaign_id = $1`,
  ],
  ['naive_log_completed', log('confirmed', 'campaign_completed', 'participant_confirmed')],
];

const failing: Statements = [
  [
    'naive_fail',
    `with states as (
      update sambatan.campaign_states set status = 'expired', next_run_at = null, filled_slots = 0,
        logged_slots = 0, participant_count = 0
      where campaign_id = $1 and status = 'active' returning campaign_id)
    update sambatan.campaign_details d set status = 'expired', failed_at = now()
    from states s where d.campaign_id = s.campaign_id`,
  ],
  [
    'naive_refund',
    `update sambatan.participants set status = 'refunded', refunded_at = now()
    where campaign_id = $1 and status = 'pending_payment'`,
  ],
  ['naive_log_failed', log('refunded', 'campaign_failed', 'participant_refunded')],
];

/** The ways in which a campaign with very many participants ends. */
export const closingEndings = [
  { name: 'fails', successEvery: 0 },
  { name: 'completes, payments fall due', successEvery: 1 },
] as const;
export type Ending = (typeof closingEndings)[number];

/** The minimum SQL with the effect of closing a campaign on its participants: one transaction. */
export function rawClosing(succeeds: boolean): string {
  const [status, column, event] = succeeds
    ? ['confirmed', 'confirmed_at', 'participant_confirmed']
    : ['refunded', 'refunded_at', 'participant_refunded'];
  const payments = `
    insert into sambatan.transactions (campaign_id, kind, participation_id, amount, cause, actor,
      created_at)
    select campaign_id, 'payment', participation_id, quantity * 200000,
      'payment:' || participation_id, 'system', now()
    from sambatan.participants;`;
  return `
    begin;
    update sambatan.participants set status = '${status}', ${column} = now(), updated_at = now();
    ${succeeds ? payments : ''}
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
      actor_kind, slots, slots_taken, total_slots, price_per_slot, metadata, commitment, leaf_hash)
    select campaign_id, 1000000 + row_number() over (), now(), participation_id, '${event}',
      'system', 0, 0, 0, 200000, jsonb_build_object('quantity', quantity), '',
      decode(repeat('00', 32), 'hex')
    from sambatan.participants;
    commit`;
}
