import { knownLanguage } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { requireRecentAuth } from '../identity/policy.ts';
import { recordAccess } from './access.ts';
import {
  addressLine,
  maxAddresses,
  normalizeAddress,
  normalizeProfile,
  type AddressInput,
  type ProfileChange,
} from './account.ts';
import * as personal from './personal-queries.ts';
import * as sql from './queries.ts';
import { ownerOf } from './owner.ts';
import { westernIndonesia } from '../i18n/format.ts';

export interface Profile {
  readonly user_id: string;
  /** The name to show; null until the person or their first sign-in sets it. */
  readonly display_name: string | null;
  readonly email: string | null;
  readonly language: Language;
  readonly time_zone: string;
}

/** Returns the caller's own profile. */
export async function readProfile(db: Queryable, actor: Actor): Promise<Profile> {
  const userId = ownerOf(actor);
  const { display_name, email, locale, time_zone } = await db.one(sql.findProfile, userId);
  return {
    user_id: userId,
    display_name,
    email,
    language: knownLanguage(locale),
    time_zone: time_zone ?? westernIndonesia,
  };
}
readProfile.refusals = refusals(ownerOf);

/** Changes the given fields of the caller's profile. */
export async function changeProfile(tx: Tx, actor: Actor, change: ProfileChange): Promise<Profile> {
  const userId = ownerOf(actor);
  const { displayName = null, language = null, timeZone = null } = normalizeProfile(change);
  await tx.rows(sql.lockProfile, userId);
  await tx.rows(sql.updateProfile, userId, displayName, language, timeZone);
  return await readProfile(tx, actor);
}
changeProfile.refusals = refusals(ownerOf);

export type Address = Omit<sql.AddressRow, 'address_id'> & {
  readonly id: string;
  /** The address as one line, in the form of an order's `shipping_address`. */
  readonly line: string;
};

/** Returns the caller's saved addresses, the default one first. */
export async function ownAddresses(db: Queryable, actor: Actor): Promise<Address[]> {
  return (await db.rows(sql.listAddresses, ownerOf(actor))).map(addressOf);
}
ownAddresses.refusals = refusals(ownerOf);

/** Returns one of the caller's saved addresses. */
export async function ownAddress(db: Queryable, actor: Actor, id: string): Promise<Address> {
  const found = await db.maybe(sql.findAddress, ownerOf(actor), id);
  if (found === undefined) throw new DomainError('address_not_found', {});
  return addressOf(found);
}
ownAddress.refusals = refusals(ownerOf, 'address_not_found');

/** Saves an address. The first saved address becomes the default. */
export async function addAddress(tx: Tx, actor: Actor, input: AddressInput): Promise<Address> {
  const userId = ownerOf(actor);
  const address = normalizeAddress(input);
  await tx.rows(sql.lockProfile, userId);
  const present = await tx.rows(sql.listAddresses, userId);
  if (present.length >= maxAddresses) {
    throw new DomainError('too_many_addresses', { maximum: maxAddresses });
  }
  const isDefault = address.isDefault === true || present.length === 0;
  return await save(tx, userId, newId(), { ...address, isDefault });
}
addAddress.refusals = refusals(ownerOf, 'too_many_addresses');

/** The fields to change; undefined fields do not change. */
export type AddressChange = {
  readonly [K in keyof AddressInput]?: AddressInput[K] | undefined;
};

/**
 * Changes the given fields of one of the caller's addresses. The default address stays the default
 * until another address becomes the default.
 */
export async function editAddress(
  tx: Tx,
  actor: Actor,
  id: string,
  change: AddressChange,
): Promise<Address> {
  const userId = ownerOf(actor);
  await tx.rows(sql.lockProfile, userId);
  const present = await ownAddress(tx, actor, id);
  const address = normalizeAddress({
    label: change.label ?? present.label,
    recipient: change.recipient ?? present.recipient,
    phone: change.phone ?? present.phone,
    street: change.street ?? present.street,
    province: change.province ?? present.province,
    city: change.city ?? present.city,
    district: change.district ?? present.district,
    postalCode: change.postalCode ?? present.postal_code,
  });
  const isDefault = present.is_default || change.isDefault === true;
  return await save(tx, userId, id, { ...address, isDefault });
}
editAddress.refusals = refusals(ownAddress);

/** Deletes one of the caller's addresses. */
export async function removeAddress(tx: Tx, actor: Actor, id: string): Promise<void> {
  const userId = ownerOf(actor);
  await tx.rows(sql.lockProfile, userId);
  const gone = await tx.maybe(sql.deleteAddress, userId, id);
  if (gone === undefined) throw new DomainError('address_not_found', {});
  if (gone.is_default) await tx.rows(sql.defaultNewestAddress, userId);
}
removeAddress.refusals = refusals(ownerOf, 'address_not_found');

/** Returns all stored data of the caller, for the caller to download. */
export async function exportAccount(db: Queryable, actor: Actor): Promise<object> {
  return (await db.one(personal.exportAccount, ownerOf(actor))).document;
}
exportAccount.refusals = refusals(ownerOf);

/**
 * Deletes the caller's account: sign-in, sessions, profile, addresses, bank accounts, memberships,
 * and personal data in past participations. The participations, their payments and the audit log
 * are kept for accounting, with only the user's id. The account cannot be deleted while the caller
 * has unfinished orders, payments or refunds, or while the caller is the only owner of a brand that
 * has other members. The caller's waiting-list entries are withdrawn. Returns the ids of the
 * campaigns whose waiting lists changed.
 */
export async function deleteAccount(tx: Tx, actor: Actor): Promise<readonly string[]> {
  const userId = ownerOf(actor);
  requireRecentAuth(actor);
  await tx.rows(sql.lockProfile, userId);
  // Lock the brands, so that nobody can change their members between this check and the deletion.
  await tx.rows(personal.lockOwnedBrands, userId);
  // Lock the campaigns. If the user accepts an offer at the same time, the check below then finds
  // the new participation.
  await tx.rows(personal.lockWaitedFor, userId);
  const { participations, campaigns } = await tx.one(personal.countTies, userId);
  if (participations > 0) {
    throw new DomainError('account_has_participations', { count: participations });
  }
  const brand = await tx.maybe(personal.findBrandToHandOver, userId);
  if (brand !== undefined) {
    throw new DomainError('account_owns_brand', { brand_id: brand.brand_id, brand: brand.name });
  }
  if (campaigns > 0) throw new DomainError('account_has_campaigns', { count: campaigns });
  const left = await tx.rows(personal.leaveWaitingLists, userId, `user:${userId}`);
  await tx.rows(personal.forgetPerson, userId);
  await recordAccess(tx, { userId, event: 'account_deleted' });
  return left.map(({ campaign_id }) => campaign_id);
}
deleteAccount.refusals = refusals(
  ownerOf,
  requireRecentAuth,
  'account_has_participations',
  'account_owns_brand',
  'account_has_campaigns',
);

async function save(
  tx: Tx,
  userId: string,
  id: string,
  { label, recipient, phone, street, province, city, district, ...rest }: AddressInput,
): Promise<Address> {
  const { postalCode, isDefault = false } = rest;
  if (isDefault) await tx.rows(sql.clearDefaultAddress, userId);
  const row = await tx.one(
    sql.saveAddress,
    userId,
    id,
    label,
    recipient,
    phone,
    street,
    province,
    city,
    district,
    postalCode,
    isDefault,
  );
  return addressOf(row);
}

function addressOf({ address_id: id, ...row }: sql.AddressRow): Address {
  return { id, ...row, line: addressLine({ ...row, postalCode: row.postal_code }) };
}
