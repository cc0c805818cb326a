import { query } from '../database/query.ts';

export interface ProfileRow {
  readonly display_name: string | null;
  readonly locale: string | null;
  readonly time_zone: string | null;
  readonly email: string | null;
}

/** One row for everybody, also for who has no profile yet. */
export const findProfile = query<[userId: string], ProfileRow>(
  'find_profile',
  `select p.display_name, p.locale, p.time_zone, coalesce(a.email, p.email) as email
  from (select $1::uuid as user_id) u
  left join sambatan.profiles p on p.user_id = u.user_id
  left join sambatan_auth.accounts a on a.user_id = u.user_id`,
);

/** Makes sure that there is a profile and locks it: a person's own changes come one by one. */
export const lockProfile = query<[userId: string], never>(
  'lock_profile',
  `insert into sambatan.profiles as p (user_id, display_name) values ($1, 'Pembeli')
  on conflict (user_id) do update set updated_at = p.updated_at`,
);

/** Changes what is not null and leaves the rest. */
export const updateProfile = query<
  [userId: string, displayName: string | null, locale: string | null, timeZone: string | null],
  never
>(
  'update_profile',
  `update sambatan.profiles set display_name = coalesce($2, display_name),
    locale = coalesce($3, locale), time_zone = coalesce($4, time_zone), updated_at = now()
  where user_id = $1`,
);

export interface AddressRow {
  readonly address_id: string;
  readonly label: string;
  readonly recipient: string;
  readonly phone: string;
  readonly street: string;
  readonly province: string;
  readonly city: string;
  readonly district: string;
  readonly postal_code: string;
  readonly is_default: boolean;
}

const addressColumns = `address_id, label, recipient, phone, street, province, city, district,
    postal_code, is_default`;

/** The default one first, then the newest. */
export const listAddresses = query<[userId: string], AddressRow>(
  'list_addresses',
  `select ${addressColumns} from sambatan.addresses where user_id = $1
  order by is_default desc, address_id desc`,
);

export const findAddress = query<[userId: string, addressId: string], AddressRow>(
  'find_address',
  `select ${addressColumns} from sambatan.addresses where user_id = $1 and address_id = $2`,
);

export const clearDefaultAddress = query<[userId: string], never>(
  'clear_default_address',
  'update sambatan.addresses set is_default = false where user_id = $1 and is_default',
);

type AddressParameters = [
  userId: string,
  addressId: string,
  label: string,
  recipient: string,
  phone: string,
  street: string,
  province: string,
  city: string,
  district: string,
  postalCode: string,
  isDefault: boolean,
];

export const saveAddress = query<AddressParameters, AddressRow>(
  'save_address',
  `insert into sambatan.addresses (user_id, ${addressColumns})
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  on conflict (user_id, address_id) do update set label = excluded.label,
    recipient = excluded.recipient, phone = excluded.phone, street = excluded.street,
    province = excluded.province, city = excluded.city, district = excluded.district,
    postal_code = excluded.postal_code, is_default = excluded.is_default, updated_at = now()
  returning ${addressColumns}`,
);

export const deleteAddress = query<[userId: string, addressId: string], AddressRow>(
  'delete_address',
  `delete from sambatan.addresses where user_id = $1 and address_id = $2
  returning ${addressColumns}`,
);

/** Whoever deletes the default address has another default one, if there is another. */
export const defaultNewestAddress = query<[userId: string], never>(
  'default_newest_address',
  `update sambatan.addresses set is_default = true
  where user_id = $1 and address_id = (select address_id from sambatan.addresses
    where user_id = $1 order by address_id desc limit 1)`,
);

/**
 * Everything that is kept of a person, as one JSON document for the person. A test reads the schema
 * and fails until each personal column is in here, and is emptied by `forget_person`.
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
    'participations', coalesce((select jsonb_agg(to_jsonb(p) - 'user_id' order by joined_at)
      from sambatan.participants p where user_id = $1), '[]'),
    'waiting', coalesce((select jsonb_agg(to_jsonb(w) - 'user_id' order by created_at)
      from sambatan.waiting_entries w where user_id = $1), '[]'),
    'payments', coalesce((select jsonb_agg(jsonb_build_object('campaign_id', t.campaign_id,
        'participation_id', t.participation_id, 'kind', t.kind, 'status', t.status,
        'amount', t.amount, 'created_at', t.created_at) order by t.created_at)
      from sambatan.participants p
      join sambatan.transactions t on t.campaign_id = p.campaign_id
        and t.participation_id = p.participation_id and t.kind in ('payment', 'refund')
      where p.user_id = $1), '[]'),
    'brands', coalesce((select jsonb_agg(jsonb_build_object('brand_id', b.brand_id,
        'name', b.name, 'role', m.role, 'since', m.created_at) order by b.brand_id)
      from sambatan.brand_members m join sambatan.brands b on b.brand_id = m.brand_id
      where m.user_id = $1), '[]'),
    'sessions', coalesce((select jsonb_agg(jsonb_build_object('device', device,
        'created_at', created_at, 'seen_at', seen_at, 'expires_at', expires_at)
        order by created_at)
      from sambatan_auth.sessions where user_id = $1), '[]')) as document`,
);

/** What forbids that an account is deleted. */
export const countTies = query<
  [userId: string],
  { readonly participations: number; readonly campaigns: number }
>(
  'count_ties',
  `select
    (select count(*)::integer from sambatan.participants
      where user_id = $1 and status in ('pending_payment', 'confirmed')) as participations,
    (select count(*)::integer from sambatan.brand_members m
      join sambatan.campaigns c on c.brand_id = m.brand_id
      where m.user_id = $1 and m.role = 'owner'
        and c.status in ('scheduled', 'active', 'locked')) as campaigns`,
);

/** Locks the campaigns that a person waits in, in order of their ids, for what is read after. */
export const lockWaitedFor = query<[userId: string], never>(
  'lock_waited_for',
  `select campaign_id from sambatan.campaigns where campaign_id in (
    select campaign_id from sambatan.waiting_entries
    where user_id = $1 and status in ('waiting', 'offered'))
  order by campaign_id for update`,
);

/**
 * Leaves every waiting list that can still be left. A wish past its deadline can come to nothing
 * any more, and is closed with its campaign.
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
      and c.closing_as is null and c.deadline > clock_timestamp()
    order by w.campaign_id offset 0) w
  cross join lateral sambatan.leave_waiting(w.campaign_id, w.entry_id, 'waiting_withdrawn', $2) l`,
);

/**
 * Takes away whatever says who a person is. Participations and waiting entries that are over stay
 * for the books, with neither address nor note; the audit log has had nothing but the user's id.
 */
export const forgetPerson = query<[userId: string], never>(
  'forget_person',
  `with sign_ins as (delete from sambatan_auth.sign_ins where email in (
      select email from sambatan_auth.accounts where user_id = $1)),
    sessions as (delete from sambatan_auth.sessions where user_id = $1),
    operators as (delete from sambatan_auth.operators where user_id = $1),
    accounts as (delete from sambatan_auth.accounts where user_id = $1),
    addresses as (delete from sambatan.addresses where user_id = $1),
    members as (delete from sambatan.brand_members where user_id = $1),
    participants as (update sambatan.participants
      set shipping_address = '(alamat dihapus)', note = null where user_id = $1),
    waiting as (update sambatan.waiting_entries
      set shipping_address = '(alamat dihapus)', note = null where user_id = $1)
  delete from sambatan.profiles where user_id = $1`,
);

export interface OperatorRow {
  readonly user_id: string;
  readonly email: string | null;
  readonly display_name: string | null;
  readonly named_by: string;
  readonly named_at: Date;
}

export const listOperators = query<[], OperatorRow>(
  'list_operators',
  `select o.user_id, a.email, p.display_name, o.named_by, o.named_at
  from sambatan_auth.operators o
  left join sambatan_auth.accounts a on a.user_id = o.user_id
  left join sambatan.profiles p on p.user_id = o.user_id
  order by o.named_at limit 500`,
);

export const namedOperators = query<[], { readonly user_id: string }>(
  'named_operators',
  'select user_id from sambatan_auth.operators',
);

export const findAccountByEmail = query<[email: string], { readonly user_id: string }>(
  'find_account_by_email',
  'select user_id from sambatan_auth.accounts where email = $1',
);

/** No row when the user is an operator already. */
export const insertOperator = query<
  [userId: string, namedBy: string],
  { readonly user_id: string }
>(
  'insert_operator',
  `insert into sambatan_auth.operators (user_id, named_by) values ($1, $2)
  on conflict (user_id) do nothing returning user_id`,
);

export const deleteOperator = query<[userId: string], { readonly user_id: string }>(
  'delete_operator',
  'delete from sambatan_auth.operators where user_id = $1 returning user_id',
);

export const recordOperatorChange = query<
  [changeId: string, userId: string, change: string, actor: string],
  never
>(
  'record_operator_change',
  `insert into sambatan_auth.operator_changes (change_id, user_id, change, actor)
  values ($1, $2, $3, $4)`,
);
