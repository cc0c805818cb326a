import { query } from '../../src/database/query.ts';
import type { Queryable } from '../../src/database/query.ts';
import { DomainError } from '../../src/errors/errors.ts';
import type { Joined, JoinRequest } from '../../src/participations/join.ts';

/** The columns that the naive service reads before and after a join. */
interface CampaignRow {
  readonly status: string;
  readonly deadline: Date;
  readonly total_slots: number;
  readonly filled_slots: number;
}

const readCampaign = query<[campaignId: string], CampaignRow>(
  'naive_read_campaign',
  `select status, deadline, total_slots, filled_slots
  from sambatan.campaigns where campaign_id = $1`,
);

const reserve = query<[campaignId: string, quantity: number], { readonly audit_seq: bigint }>(
  'naive_reserve',
  `with reserved as (
    update sambatan.campaign_states set filled_slots = filled_slots + $2,
      participant_count = participant_count + 1, updated_at = now(), audit_seq = audit_seq + 1,
      logged_slots = filled_slots + $2,
      status = case when filled_slots + $2 = total_slots then 'locked' else status end
    where campaign_id = $1 and status = 'active' and next_run_at > now()
      and filled_slots + $2 <= total_slots
    returning audit_seq, status
  ), filled as (
    update sambatan.campaign_details set status = 'locked', filled_at = now()
    where campaign_id = $1 and exists (select 1 from reserved where status = 'locked'))
  select audit_seq from reserved`,
);

const insertParticipant = query<
  [
    campaignId: string,
    participationId: string,
    userId: string,
    quantity: number,
    address: string,
    note: string | null,
    joinedSeq: bigint,
  ],
  { readonly joined_at: Date }
>(
  'naive_insert_participant',
  `insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, joined_at,
    updated_at, shipping_address, note, joined_seq)
  values ($1, $2, $3, $4, now(), now(), $5, $6, $7) returning joined_at`,
);

const insertAudit = query<
  [
    campaignId: string,
    seq: bigint,
    participationId: string,
    userId: string,
    quantity: number,
    slotsTaken: number,
    totalSlots: number,
  ],
  never
>(
  'naive_insert_audit',
  `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
    actor_kind, actor_id, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
  values ($1, $2, now(), $3, 'participant_joined', 'user', $4, $5, $6, $7, 200000,
    decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))`,
);

/** Stands for the hashes and salts that a variant does not compute. */
export const noHash = Buffer.alloc(32);

/**
 * A join of a service that uses its database as a plain row store: read the campaign, lock and
 * reserve, insert the participation, read the campaign again, insert the audit row, each as one
 * statement. This variant has advantages over Sambatan: it reserves with one safe UPDATE, uses
 * prepared statements and a unix socket, and has no idempotency keys, bounds per buyer, rate limit
 * or hashes of the audit log. If `db` is a pool, each statement is a separate transaction: if the
 * process dies between two statements, slots are taken without a participation.
 */
export async function naiveJoin(db: Queryable, request: JoinRequest): Promise<Joined> {
  const { campaignId, participationId, quantity } = request;
  const before = await db.maybe(readCampaign, campaignId);
  if (before === undefined) throw new DomainError('campaign_not_found', {});
  const remaining = before.total_slots - before.filled_slots;
  if (quantity > remaining) throw new DomainError('slots_unavailable', { remaining });
  const reserved = await db.maybe(reserve, campaignId, quantity);
  if (reserved === undefined) throw new DomainError('slots_unavailable', { remaining: 0 });
  const { userId, shippingAddress, note } = request;
  const participation = await db.one(
    insertParticipant,
    campaignId,
    participationId,
    userId,
    quantity,
    shippingAddress,
    note,
    reserved.audit_seq,
  );
  const after = await db.one(readCampaign, campaignId);
  await db.rows(
    insertAudit,
    campaignId,
    reserved.audit_seq,
    participationId,
    userId,
    quantity,
    after.filled_slots,
    after.total_slots,
  );
  return {
    participationId,
    joinedAt: participation.joined_at,
    replayed: false,
    log: { index: Number(reserved.audit_seq) - 1, leafHash: noHash, salt: noHash },
  };
}
