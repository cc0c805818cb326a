import type { Queryable } from '../database/query.ts';
import { prefixQuery } from '../database/text-search.ts';
import type { Actor } from '../identity/actor.ts';
import { isId } from '../identity/ids.ts';
import { authorize } from '../identity/policy.ts';
import * as people from './people-queries.ts';
import * as sql from './queries.ts';
import { phoneDigitsOf } from './participant-list.ts';

/** Maximum number of people in the result of a search, and maximum number of orders in it. */
const maxPeople = 20;
const maxOrders = 100;
/** Maximum number of words in a search; further words are ignored. */
const maxWords = 6;

export interface FoundPeople {
  /** The people found. Empty when the search was the id of an order. */
  readonly people: readonly people.PersonRow[];
  /** The orders of these people, newest first. */
  readonly orders: readonly sql.FoundParticipation[];
  /**
   * True when it is possible that more people or orders match the search than the result contains.
   */
  readonly isCut: boolean;
}

const noPeople: FoundPeople = { people: [], orders: [], isCut: false };

/**
 * Finds people and their orders. The search is the id of an order or an account, an e-mail address,
 * a telephone number, or words of a name. Refuses: forbidden.
 */
export async function findPeople(
  db: Queryable,
  actor: Actor,
  search: string,
): Promise<FoundPeople> {
  authorize(actor, 'participation.search');
  const wanted = search.trim();
  if (wanted === '') return noPeople;
  if (isId(wanted)) {
    const id = wanted.toLowerCase();
    const one = await db.maybe(sql.lookUpParticipation, id);
    if (one !== undefined) return { ...noPeople, orders: [one] };
    return { ...noPeople, orders: await ordersOf(db, [id]) };
  }
  const found = await peopleMatching(db, wanted);
  const orders = await ordersOf(
    db,
    found.map(({ user_id }) => user_id),
  );
  const isCut = found.length === maxPeople || orders.length === maxOrders;
  return { people: found, orders, isCut };
}

async function peopleMatching(db: Queryable, wanted: string): Promise<people.PersonRow[]> {
  const digits = phoneDigitsOf(wanted);
  if (digits !== undefined) return await db.rows(people.peopleByPhone, digits, maxPeople);
  if (wanted.includes('@')) {
    const exact = await db.rows(people.peopleByEmail, wanted, maxPeople);
    if (exact.length > 0) return exact;
  }
  const words = prefixQuery(wanted, maxWords);
  return words === undefined ? [] : await db.rows(people.peopleByWords, words, maxPeople);
}

async function ordersOf(
  db: Queryable,
  userIds: string[],
): Promise<readonly sql.FoundParticipation[]> {
  if (userIds.length === 0) return [];
  return await db.rows(sql.lookUpUsersParticipations, userIds, maxOrders);
}
