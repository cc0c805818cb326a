import { query } from '../database/query.ts';

export interface ProfileRow {
  readonly display_name: string | null;
  readonly locale: string | null;
  readonly time_zone: string | null;
  readonly email: string | null;
}

/**
 * Query for the profile of a user. It always returns one row, also for a user without a profile.
 */
export const findProfile = query<[userId: string], ProfileRow>(
  'find_profile',
  `select p.display_name, p.locale, p.time_zone, coalesce(a.email, p.email) as email
  from (select $1::uuid as user_id) u
  left join sambatan.profiles p on p.user_id = u.user_id
  left join sambatan_auth.accounts a on a.user_id = u.user_id`,
);

/**
 * Query that creates the profile if it is missing, and locks it. So concurrent changes by the same
 * person run one after another.
 */
export const lockProfile = query<[userId: string], never>(
  'lock_profile',
  `insert into sambatan.profiles as p (user_id, display_name) values ($1, 'Pembeli')
  on conflict (user_id) do update set updated_at = p.updated_at`,
);

/** Query that changes a profile. A null parameter does not change its field. */
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

/**
 * Query for a person's saved addresses: first the default address, then the others, newest first.
 */
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

/**
 * Query for use after the default address was deleted. It makes the newest remaining address the
 * default, if the person has any address left.
 */
export const defaultNewestAddress = query<[userId: string], never>(
  'default_newest_address',
  `update sambatan.addresses set is_default = true
  where user_id = $1 and address_id = (select address_id from sambatan.addresses
    where user_id = $1 order by address_id desc limit 1)`,
);

export interface OperatorRow {
  readonly user_id: string;
  readonly email: string | null;
  readonly display_name: string | null;
  readonly named_by: string;
  readonly named_at: Date;
  /** The time of the last sign-in on the site; null when the access log contains no sign-in. */
  readonly signed_in_at: Date | null;
}

export const listOperators = query<[], OperatorRow>(
  'list_operators',
  `select o.user_id, a.email, p.display_name, o.granted_by as named_by,
    o.granted_at as named_at,
    (select l.occurred_at from sambatan_auth.access_log l
      where l.user_id = o.user_id and l.event = 'signed_in' order by l.seq desc limit 1)
      as signed_in_at
  from sambatan_auth.operators o
  left join sambatan_auth.accounts a on a.user_id = o.user_id
  left join sambatan.profiles p on p.user_id = o.user_id
  order by o.granted_at limit 500`,
);

export const namedOperators = query<[], { readonly user_id: string }>(
  'named_operators',
  'select user_id from sambatan_auth.operators',
);

export const findAccountByEmail = query<[email: string], { readonly user_id: string }>(
  'find_account_by_email',
  'select user_id from sambatan_auth.accounts where email = $1',
);

/** Query that stores an operator. It returns no row when the user is already an operator. */
export const insertOperator = query<
  [userId: string, namedBy: string],
  { readonly user_id: string }
>(
  'insert_operator',
  `insert into sambatan_auth.operators (user_id, granted_by) values ($1, $2)
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
