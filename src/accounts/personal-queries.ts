import { query } from '../database/query.ts';
import { anyParticipationStatus } from '../database/status-words.ts';

/**
 * SQL that selects all notifications of a person. It is a union of two queries, so that each query
 * can use an index.
 */
const notificationsOf = `select * from sambatan.notifications where user_id = $1 and in_app
      union all select * from sambatan.notifications where user_id = $1 and not in_app`;

/**
 * Query for all stored data of a person, as one JSON document that the person can download. A test
 * reads the database schema and fails when a column with personal data is missing here or is not
 * erased by `delete_person`.
 */
export const exportAccount = query<[userId: string], { readonly document: object }>(
  'export_account',
  `select jsonb_build_object(
    'user_id', $1::uuid,
    'exported_at', now(),
    'account', (select jsonb_build_object('email', email, 'verified_at', verified_at)
      from sambatan_auth.accounts where user_id = $1),
    'profile', (select to_jsonb(p) - 'user_id' from sambatan.profiles p where user_id = $1),
    'addresses', coalesce((select jsonb_agg(to_jsonb(a) - 'user_id' order by address_id)
      from sambatan.addresses a where user_id = $1), '[]'),
    'participations', coalesce((select jsonb_agg(to_jsonb(p) - 'user_id' - 'undelivered_slots'
        || jsonb_build_object('short_slots', p.undelivered_slots) order by joined_at)
      from sambatan.participants p
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'waiting', coalesce((select jsonb_agg(to_jsonb(w) - 'user_id' order by created_at)
      from sambatan.waiting_entries w where user_id = $1), '[]'),
    'refund_account', (select to_jsonb(r) - 'user_id' from sambatan.refund_accounts r
      where user_id = $1),
    'payments', coalesce((select jsonb_agg(jsonb_build_object('campaign_id', t.campaign_id,
        'participation_id', t.participation_id, 'kind', t.kind, 'status', t.status,
        'amount', t.amount, 'created_at', t.created_at) order by t.created_at)
      from sambatan.participants p
      join sambatan.transactions t on t.campaign_id = p.campaign_id
        and t.participation_id = p.participation_id and t.kind in ('payment', 'refund')
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'payment_proofs', coalesce((select jsonb_agg(jsonb_build_object(
        'participation_id', f.participation_id, 'content_type', f.content_type,
        'uploaded_at', f.uploaded_at, 'base64', translate(encode(f.content, 'base64'), E'\\n', ''))
        order by f.uploaded_at)
      from sambatan.participants p
      join sambatan.payment_proofs f on f.campaign_id = p.campaign_id
        and f.participation_id = p.participation_id
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'transfers', coalesce((select jsonb_agg(jsonb_build_object(
        'participation_id', l.participation_id, 'booked_on', l.booked_on, 'amount', l.amount,
        'description', l.description) order by l.booked_on)
      from sambatan.participants p
      join sambatan.statement_lines l on l.campaign_id = p.campaign_id
        and l.participation_id = p.participation_id
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'divided_transfers', coalesce((select jsonb_agg(jsonb_build_object(
        'participation_id', s.participation_id, 'booked_on', l.booked_on, 'amount', s.amount,
        -- A transfer that also paid for other buyers may have been sent by another person, and the
        -- description may contain that person's name.
        'description', case when not exists (select from sambatan.statement_line_parts o
            join sambatan.participants q on q.campaign_id = o.campaign_id
              and q.participation_id = o.participation_id
            where o.line_id = l.line_id and q.user_id <> $1) then l.description end)
        order by l.booked_on, l.line_id, s.part)
      from sambatan.participants p
      join sambatan.statement_line_parts s on s.campaign_id = p.campaign_id
        and s.participation_id = p.participation_id
      join sambatan.statement_lines l on l.line_id = s.line_id and l.participation_id is null
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'disputes', coalesce((select jsonb_agg(jsonb_build_object(
        'participation_id', d.participation_id, 'reason', d.reason, 'opened_at', d.opened_at,
        'resolution', d.resolution, 'explanation', d.explanation, 'resolved_at', d.resolved_at)
        order by d.opened_at)
      from sambatan.participants p
      join sambatan.disputes d on d.campaign_id = p.campaign_id
        and d.participation_id = p.participation_id
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'dispute_pictures', coalesce((select jsonb_agg(jsonb_build_object(
        'dispute_id', k.dispute_id, 'number', k.number, 'uploaded_at', k.uploaded_at,
        'content_type', 'image/webp', 'base64',
        translate(encode(k.content, 'base64'), E'\\n', '')) order by k.uploaded_at)
      from sambatan.participants p
      join sambatan.disputes d on d.campaign_id = p.campaign_id
        and d.participation_id = p.participation_id
      join sambatan.dispute_pictures k on k.campaign_id = d.campaign_id
        and k.dispute_id = d.dispute_id
      where p.user_id = $1 and ${anyParticipationStatus('p')}), '[]'),
    'brands', coalesce((select jsonb_agg(jsonb_build_object('brand_id', b.brand_id,
        'name', b.name, 'role', m.role, 'since', m.created_at, 'payout_account',
        case when m.role = 'owner' then (select to_jsonb(a) - 'brand_id'
          from sambatan.payout_accounts a where a.brand_id = b.brand_id) end)
        order by b.brand_id)
      from sambatan.brand_members m join sambatan.brands b on b.brand_id = m.brand_id
      where m.user_id = $1), '[]'),
    'invitations', coalesce((select jsonb_agg(jsonb_build_object('brand_id', i.brand_id,
        'email', i.email, 'role', i.role, 'created_at', i.created_at) order by i.created_at)
      from sambatan_auth.accounts a
      join sambatan.brand_invitations i on lower(i.email) = a.email
      where a.user_id = $1), '[]'),
    'notifications', coalesce((select jsonb_agg(to_jsonb(n) - 'user_id' || jsonb_build_object(
        'email', (select jsonb_build_object('status', d.status, 'last_result', d.last_result)
          from sambatan.deliveries d where d.campaign_id = n.campaign_id
            and d.delivery_id = n.notification_id)) order by n.notification_id)
      from (${notificationsOf}) n), '[]'),
    'message_settings', coalesce((select jsonb_agg(to_jsonb(s) - 'user_id' order by topic)
      from sambatan.message_settings s where user_id = $1), '[]'),
    'reminders', coalesce((select jsonb_agg(to_jsonb(r) - 'user_id' order by due_at)
      from sambatan.reminders r where user_id = $1), '[]'),
    'answers_to_keys', coalesce((select jsonb_agg(jsonb_build_object('key', key, 'body', body,
        'created_at', created_at) order by created_at)
      from sambatan.request_keys
      where caller in ('user:' || $1::text, 'operator:' || $1::text)), '[]'),
    'sessions', coalesce((select jsonb_agg(jsonb_build_object('device', device,
        'created_at', created_at, 'seen_at', seen_at, 'expires_at', expires_at)
        order by created_at)
      from sambatan_auth.sessions where user_id = $1), '[]'),
    'half_sign_ins', coalesce((select jsonb_agg(jsonb_build_object('device', device,
        'created_at', created_at, 'expires_at', expires_at) order by created_at)
      from sambatan_auth.mfa_challenges where user_id = $1), '[]'),
    'second_factor', (select jsonb_build_object('created_at', created_at,
        'confirmed_at', confirmed_at) from sambatan_auth.second_factors where user_id = $1),
    'access_log', coalesce((select jsonb_agg(jsonb_build_object('occurred_at', occurred_at,
        'event', event, 'method', method, 'browser', browser) order by seq)
      from sambatan_auth.access_log where user_id = $1), '[]')) as document`,
);

/**
 * Query that locks the campaigns in whose waiting lists a person has an entry, in the order of ids.
 */
export const lockWaitedFor = query<[userId: string], never>(
  'lock_waited_for',
  `select campaign_id from sambatan.campaigns where campaign_id in (
    select campaign_id from sambatan.waiting_entries
    where user_id = $1 and status in ('waiting', 'offered'))
  order by campaign_id for no key update`,
);

/**
 * Query that locks the brands that a person owns, in the order of ids, so that the members of these
 * brands cannot change.
 */
export const lockOwnedBrands = query<[userId: string], never>(
  'lock_owned_brands',
  `select brand_id from sambatan.brands where brand_id in (
    select brand_id from sambatan.brand_members where user_id = $1 and role = 'owner')
  order by brand_id for no key update`,
);

/** SQL that selects the brands whose only owner is this person. */
const ownedAlone = `select m.brand_id from sambatan.brand_members m
    where m.user_id = $1 and m.role = 'owner' and not exists (
      select from sambatan.brand_members o
      where o.brand_id = m.brand_id and o.role = 'owner' and o.user_id <> $1)`;

/** Query for the first brand whose only owner is this person and that has other members. */
export const findBrandToHandOver = query<
  [userId: string],
  { readonly brand_id: string; readonly name: string }
>(
  'find_brand_to_hand_over',
  `select b.brand_id, b.name from (${ownedAlone}) a
  join sambatan.brands b on b.brand_id = a.brand_id
  where exists (select from sambatan.brand_members m
    where m.brand_id = a.brand_id and m.user_id <> $1)
  order by b.brand_id limit 1`,
);

/**
 * Query that counts what prevents the deletion of an account. These are participations that are
 * running, are disputed, or have an unfinished refund, a payment in progress or a payment at the
 * provider. These are also campaigns of brands whose only owner is this person, if they are running
 * or not paid out.
 */
export const countTies = query<
  [userId: string],
  { readonly participations: number; readonly campaigns: number }
>(
  'count_ties',
  `select
    (select count(*)::integer from sambatan.participants p
      where p.user_id = $1 and ${anyParticipationStatus('p')}
        and (p.status in ('pending_payment', 'confirmed') or exists (select 1 from sambatan.transactions t where t.campaign_id = p.campaign_id
          and t.participation_id = p.participation_id
          and (t.kind = 'refund' and t.status not in ('settled', 'void')
            or t.kind = 'payment' and t.status in ('proof_submitted', 'pending')))
        or exists (select from sambatan.disputes d where d.campaign_id = p.campaign_id
          and d.participation_id = p.participation_id and d.resolved_at is null))
    ) as participations,
    (select count(*)::integer from (${ownedAlone}) a
      join sambatan.campaigns c on c.brand_id = a.brand_id
      where c.status in ('scheduled', 'active', 'locked')
        or exists (select from sambatan.transactions t where t.campaign_id = c.campaign_id
          and t.kind = 'payout' and t.status not in ('settled', 'void'))) as campaigns`,
);

/**
 * Query that withdraws a person's entries from all open waiting lists. After the deadline of a
 * campaign, an entry has no effect any more and is closed together with the campaign.
 */
export const leaveWaitingLists = query<
  [userId: string, actor: string],
  { readonly campaign_id: string }
>(
  'leave_waiting_lists',
  `select l.campaign_id from (
    select w.campaign_id, w.entry_id from sambatan.waiting_entries w
    join sambatan.campaigns c on c.campaign_id = w.campaign_id
    where w.user_id = $1 and w.status in ('waiting', 'offered')
      and c.closing_outcome is null and c.deadline > clock_timestamp()
    order by w.campaign_id offset 0) w
  cross join lateral sambatan.withdraw_waiting_entry(w.campaign_id, w.entry_id, 'waiting_withdrawn', $2) l`,
  { changes: 'rows' },
);

/**
 * Query that erases all personal data of a person. Past participations, waiting-list entries,
 * transfers and disputes are kept for accounting, but without the texts and addresses that the
 * person entered. The audit log needs no change, because it has only the user's id. The salts are
 * deleted, so that nobody can find out any more which records of the public log are about the
 * person; the proofs of other buyers do not need them. If a brand has no member after this, its payout account is deleted and its open invitations are cancelled.
 */
export const forgetPerson = query<[userId: string], never>(
  'delete_person',
  `with own_email as (select email from sambatan_auth.accounts where user_id = $1),
    bought as (select p.campaign_id, p.participation_id from sambatan.participants p
      where p.user_id = $1 and ${anyParticipationStatus('p')}),
    sign_ins as (delete from sambatan_auth.sign_ins where email in (select email from own_email)),
    left_alone as (select m.brand_id from sambatan.brand_members m where m.user_id = $1
      and not exists (select from sambatan.brand_members o
        where o.brand_id = m.brand_id and o.user_id <> $1)),
    invitations as (delete from sambatan.brand_invitations
      where lower(email) in (select email from own_email)),
    open_invitations as (update sambatan.brand_invitations set cancelled_at = now()
      where brand_id in (select brand_id from left_alone)
        and lower(email) not in (select email from own_email)
        and accepted_at is null and cancelled_at is null),
    -- The idempotency key of this deletion request has no stored result yet. It is not deleted
    -- here, but when it expires.
    request_keys as (delete from sambatan.request_keys
      where caller in ('user:' || $1::text, 'operator:' || $1::text) and result is not null),
    sessions as (delete from sambatan_auth.sessions where user_id = $1),
    factors as (delete from sambatan_auth.second_factors where user_id = $1),
    recovery_codes as (delete from sambatan_auth.recovery_codes where user_id = $1),
    mfa_challenges as (delete from sambatan_auth.mfa_challenges where user_id = $1),
    operators as (delete from sambatan_auth.operators where user_id = $1),
    accounts as (delete from sambatan_auth.accounts where user_id = $1),
    addresses as (delete from sambatan.addresses where user_id = $1),
    refund_accounts as (delete from sambatan.refund_accounts where user_id = $1),
    payout_accounts as (delete from sambatan.payout_accounts
      where brand_id in (select brand_id from left_alone)),
    members as (delete from sambatan.brand_members where user_id = $1),
    told as (${notificationsOf}),
    deliveries as (delete from sambatan.deliveries d using told n
      where d.campaign_id = n.campaign_id and d.delivery_id = n.notification_id),
    notifications as (delete from sambatan.notifications d using told n
      where d.campaign_id = n.campaign_id and d.notification_id = n.notification_id),
    settings as (delete from sambatan.message_settings where user_id = $1),
    reminders as (delete from sambatan.reminders where user_id = $1),
    proofs as (delete from sambatan.payment_proofs f using bought b
      where f.campaign_id = b.campaign_id and f.participation_id = b.participation_id),
    shown as (delete from sambatan.dispute_pictures k using sambatan.disputes d, bought b
      where d.campaign_id = b.campaign_id and d.participation_id = b.participation_id
        and k.campaign_id = d.campaign_id and k.dispute_id = d.dispute_id),
    paid as (
      select l.line_id from sambatan.statement_lines l join bought b
        on l.campaign_id = b.campaign_id and l.participation_id = b.participation_id
      union
      select s.line_id from sambatan.statement_line_parts s join bought b
        on s.campaign_id = b.campaign_id and s.participation_id = b.participation_id),
    transfers as (update sambatan.statement_lines l set description = '(dihapus)' from paid
      where l.line_id = paid.line_id),
    disputes as (update sambatan.disputes d set reason = '(dihapus)',
        explanation = case when d.explanation is not null then '(dihapus)' end
      from bought b
      where d.campaign_id = b.campaign_id and d.participation_id = b.participation_id),
    participants as (update sambatan.participants p
      set shipping_address = '(alamat dihapus)', phone = null, note = null, salt = null
      where p.user_id = $1 and ${anyParticipationStatus('p')}),
    waiting as (update sambatan.waiting_entries
      set shipping_address = '(alamat dihapus)', note = null, salt = null where user_id = $1)
  delete from sambatan.profiles where user_id = $1`,
);
