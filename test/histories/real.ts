import assert from 'node:assert/strict';
import type { ClientResponse, Client } from '../support/clients/client.ts';
import type { HttpService } from '../support/server/http-service.ts';
import type { Shop } from '../support/builders/shop.ts';
import type { Role } from './model.ts';
import type { Dispute, Line, LedgerEntry } from './money.ts';

/** Two replicas of the service on one database, with all callers. */
export interface World {
  readonly replicas: readonly [HttpService, HttpService];
  readonly shop: Shop;
  readonly buyers: readonly Client[];
  readonly callers: Readonly<Record<Exclude<Role, 'owner'>, Client>>;
}

/** The service's ids and values for the model's numbers. */
export interface Real {
  readonly world: World;
  readonly campaignId: string;
  /** A receiving account of this history only. */
  readonly receivingAccount: string;
  readonly parts: string[];
  readonly entries: string[];
  /** Ids of refunds and payouts by their key in the model. */
  readonly ledgerEntries: Map<LedgerEntry, string>;
  readonly disputes: Map<Dispute, string>;
  /** The latest answers, to compare with repeated ones. */
  readonly answers: Map<string, string>;
  /** Number of texts so far: each transfer and most disputes have unique ones. */
  texts: number;
  /** The lines of the last imported statement. */
  lastImport: readonly Line[];
  /** True if campaign and books were compared since the last command. */
  isCompared: boolean;
}

/** The expected and the actual result of a command. */
export type Pair = [expected: string, got: string];

export const outcomeOf = ({ status, body }: ClientResponse): string =>
  status < 300 ? 'ok' : body.code;

/**
 * Picks an element of a list by a number that is independent of its length. In three of four cases
 * it is one to which something can still happen, if there is any.
 */
export function pick<T>(
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

/** The statuses of the items of a list, by id. */
export async function itemsOf(client: Client, path: string): Promise<Map<string, string>> {
  const { items, next_cursor: next } = (await client.get(`${path}?limit=100`)).body;
  assert.equal(next, null);
  return new Map(items.map(({ id, status }) => [id, status]));
}
