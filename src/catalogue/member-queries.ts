import type { Language } from '../i18n/language.ts';
import { query } from '../database/query.ts';
import type { BrandRole } from '../identity/policy.ts';

/** Locks a brand's row, so that changes of its members run one after another. */
export const lockBrand = query<[brandId: string], { readonly brand_id: string }>(
  'lock_brand',
  'select brand_id from sambatan.brands where brand_id = $1 for no key update',
);

export interface MemberRow {
  readonly user_id: string;
  readonly role: BrandRole;
  readonly created_at: Date;
  readonly display_name: string | null;
  readonly email: string | null;
}

/** The members of a brand, owners first, with their profiles. */
export const listMembers = query<[brandId: string], MemberRow>(
  'list_members',
  `select m.user_id, m.role, m.created_at, p.display_name, p.email
  from sambatan.brand_members m
  left join sambatan.profiles p on p.user_id = m.user_id
  where m.brand_id = $1
  order by m.role, m.created_at, m.user_id limit 500`,
);

export const countOwners = query<[brandId: string], { readonly owners: bigint }>(
  'count_owners',
  `select count(*) as owners from sambatan.brand_members
  where brand_id = $1 and role = 'owner'`,
);

export const updateMember = query<[brandId: string, userId: string, role: BrandRole], never>(
  'update_member',
  'update sambatan.brand_members set role = $3 where brand_id = $1 and user_id = $2',
);

export const deleteMember = query<[brandId: string, userId: string], never>(
  'delete_member',
  'delete from sambatan.brand_members where brand_id = $1 and user_id = $2',
);

export interface InvitationRow {
  readonly invitation_id: string;
  readonly brand_id: string;
  readonly brand_name: string;
  readonly email: string;
  readonly role: BrandRole;
  readonly created_at: Date;
  readonly expires_at: Date;
}

const invitation = (relation: string) => `select i.invitation_id, i.brand_id, b.name as brand_name,
    i.email, i.role, i.created_at, i.expires_at
  from (${relation}) i join sambatan.brands b on b.brand_id = i.brand_id`;

/** An invitation that can still be accepted. */
const isOpen = 'accepted_at is null and cancelled_at is null and expires_at > now()';

export const listInvitations = query<[brandId: string], InvitationRow>(
  'list_invitations',
  `${invitation(
    `select * from sambatan.brand_invitations where brand_id = $1 and ${isOpen}`,
  )} order by i.created_at desc limit 200`,
);

/** The open invitation whose link contains this token. */
export const findInvitation = query<[tokenHash: Buffer], InvitationRow>(
  'find_invitation',
  invitation(`select * from sambatan.brand_invitations where token_hash = $1 and ${isOpen}`),
);

/** The number of a brand's invitations in the last day, accepted or not. */
export const countInvitations = query<[brandId: string], { readonly invited: bigint }>(
  'count_invitations',
  `select count(*) as invited from sambatan.brand_invitations
  where brand_id = $1 and created_at > now() - interval '1 day'`,
);

/** Cancels earlier invitations of an address, so that only the newest link works. */
export const replaceInvitations = query<[brandId: string, email: string], never>(
  'replace_invitations',
  `update sambatan.brand_invitations set cancelled_at = now()
  where brand_id = $1 and lower(email) = lower($2)
    and accepted_at is null and cancelled_at is null`,
);

export const insertInvitation = query<
  [
    invitationId: string,
    brandId: string,
    email: string,
    role: BrandRole,
    tokenHash: Buffer,
    invitedBy: string,
    lifeDays: number,
  ],
  { readonly expires_at: Date }
>(
  'insert_invitation',
  `insert into sambatan.brand_invitations
    (invitation_id, brand_id, email, role, token_hash, invited_by, expires_at)
  values ($1, $2, $3, $4, $5, $6, now() + $7::integer * interval '1 day')
  returning expires_at`,
);

/** Cancels an open invitation; no row when it is not open. */
export const cancelInvitation = query<
  [brandId: string, invitationId: string],
  { readonly invitation_id: string }
>(
  'cancel_invitation',
  `update sambatan.brand_invitations set cancelled_at = now()
  where brand_id = $1 and invitation_id = $2 and accepted_at is null and cancelled_at is null
  returning invitation_id`,
);

/**
 * Accepts an open invitation; no row when it was accepted before, was cancelled, or has expired.
 */
export const acceptInvitation = query<
  [tokenHash: Buffer, userId: string],
  { readonly brand_id: string; readonly role: BrandRole }
>(
  'accept_invitation',
  `update sambatan.brand_invitations set accepted_at = now(), accepted_by = $2
  where token_hash = $1 and ${isOpen}
  returning brand_id, role`,
);

/** The language of the account with this address, if there is one. */
export const findLanguageOf = query<[email: string], { readonly locale: Language }>(
  'find_language_of',
  `select locale from sambatan.profiles where lower(email) = lower($1)
  order by created_at limit 1`,
);
