import assert from 'node:assert/strict';
import type { Answer, Client } from '../support/clients/client.ts';
import type { HttpService } from '../support/server/http-service.ts';
import type { Shop } from '../support/builders/shop.ts';
import type { Role } from './model.ts';
import type { Dispute, Line, Movement } from './money.ts';

/** Two replicas of the service on one database, and everybody who calls them. */
export interface World {
  readonly replicas: readonly [HttpService, HttpService];
  readonly shop: Shop;
  readonly buyers: readonly Client[];
  readonly callers: Readonly<Record<Exclude<Role, 'owner'>, Client>>;
}

/** What the model's numbers stand for. */
export interface Real {
  readonly world: World;
  readonly campaignId: string;
  /** The account that this history's buyers transfer to, and nobody else. */
  readonly till: string;
  readonly parts: string[];
  readonly entries: string[];
  /** Refunds and payouts by what the model has of them. */
  readonly movements: Map<Movement, string>;
  readonly disputes: Map<Dispute, string>;
  /** What the last answers told, so that an answer that comes again can be compared. */
  readonly answers: Map<string, string>;
  /** Texts until now: each transfer has one of its own, and most disputes. */
  texts: number;
  /** The lines of the statement that was imported last. */
  lastImport: readonly Line[];
  /** Whether the campaign and its books were compared since anything was done. */
  isCompared: boolean;
}

/** What was to come of a command, and what did. */
export type Pair = [expected: string, got: string];

export const outcomeOf = ({ status, body }: Answer): string => (status < 300 ? 'ok' : body.code);

/**
 * One element of a list, by a number that knows nothing of its length: three times of four one that
 * something can still happen to, if there is any.
 */
export function chosen<T>(
  list: readonly T[],
  number: number,
  isLively: (one: T) => boolean,
): [index: number, element: T] {
  const lively = number % 4 > 0 ? list.filter(isLively) : [];
  const among = lively.length > 0 ? lively : list;
  const element = among[Math.floor(number / 4) % among.length]!;
  return [list.indexOf(element), element];
}

export const clientOf = ({ world }: Real, role: Role, owner: number): Client =>
  role === 'owner' ? world.buyers[owner]! : world.callers[role];

/** The statuses of what a list gives, by id. */
export async function itemsOf(client: Client, path: string): Promise<Map<string, string>> {
  const { items, next_cursor: next } = (await client.get(`${path}?limit=100`)).body;
  assert.equal(next, null);
  return new Map(items.map(({ id, status }) => [id, status]));
}
