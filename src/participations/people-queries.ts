import { query } from '../database/query.ts';
import { anyParticipationStatus } from '../database/status-words.ts';

/** A person with an account, who may have orders. */
export interface PersonRow {
  readonly user_id: string;
  readonly display_name: string | null;
  readonly email: string | null;
  readonly participations: bigint;
}

/** Maximum number of orders that are counted per person. */
const maxCounted = 1_000;

const person = (users: string) => `select u.user_id, f.display_name, f.email, n.participations
  from (${users}) u
  left join sambatan.profiles f on f.user_id = u.user_id
  cross join lateral (select count(*) as participations from (
    select 1 from sambatan.participants p where p.user_id = u.user_id
      and ${anyParticipationStatus('p')} limit ${maxCounted}) c) n
  order by n.participations desc, f.display_name, u.user_id`;

/** Query for the account with this e-mail address. */
export const peopleByEmail = query<[email: string, limit: number], PersonRow>(
  'people_by_email',
  person('select user_id from sambatan.profiles where lower(email) = lower($1) limit $2'),
);

/**
 * Query for accounts by words. Each searched word must be the beginning of a word in the name or
 * e-mail address.
 */
export const peopleByWords = query<[words: string, limit: number], PersonRow>(
  'people_by_words',
  person(`select user_id from sambatan.profiles
    where sambatan.search_words(display_name || ' ' || coalesce(email, ''))
      @@ to_tsquery('simple', $1)
    limit $2`),
);

/**
 * Query for accounts by telephone number. It searches the saved addresses and the addresses of
 * orders for a number that begins with these digits. The digits start with the 8 after the country
 * code.
 */
export const peopleByPhone = query<[digits: string, limit: number], PersonRow>(
  'people_by_phone',
  person(`(select user_id from sambatan.addresses
      where sambatan.phone_in(phone) collate "C" >= $1
        and sambatan.phone_in(phone) collate "C" < $1 || ':' limit $2)
    union
    (select user_id from sambatan.participants
      where phone collate "C" >= $1 and phone collate "C" < $1 || ':' limit $2)`),
);
