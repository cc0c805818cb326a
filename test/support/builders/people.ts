import type { Queryable } from '../../../src/database/query.ts';
import { newId } from '../../../src/identity/ids.ts';
import { queryRows } from './market.ts';

export interface PersonInput {
  readonly userId?: string;
  readonly email?: string | null;
  readonly locale?: 'id' | 'en';
  readonly timeZone?: string;
}

/** Creates people with a profile and an e-mail address; returns their ids. */
export async function createPeople(
  db: Queryable,
  ...wishes: readonly PersonInput[]
): Promise<string[]> {
  const all = wishes.map(({ userId = newId(), email, locale = 'id', timeZone }) => ({
    userId,
    email: email === undefined ? `u${userId}@example.com` : email,
    locale,
    timeZone: timeZone ?? 'Asia/Jakarta',
  }));
  await queryRows(
    db,
    `insert into sambatan.profiles (user_id, display_name, locale, email, time_zone)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])`,
    all.map(({ userId }) => userId),
    all.map(() => 'Sari'),
    all.map(({ locale }) => locale),
    all.map(({ email }) => email),
    all.map(({ timeZone }) => timeZone),
  );
  return all.map(({ userId }) => userId);
}

/** Adds a person to a brand. */
export async function addMember(db: Queryable, brandId: string, userId: string): Promise<void> {
  await queryRows(
    db,
    `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'owner')`,
    brandId,
    userId,
  );
}
