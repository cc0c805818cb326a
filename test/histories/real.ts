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

/** What the service calls the things that the model numbers: its ids and values. */
export interface Real {
  readonly world: World;
  readonly campaignId: string;
  /** The receiving account that only this history uses. */
  readonly receivingAccount: string;
  readonly parts: string[];
  readonly entries: string[];
  /** The service's id of each refund and payout in the model. */
  readonly ledgerEntries: Map<LedgerEntry, string>;
  readonly disputes: Map<Dispute, string>;
  /** The last answer to each request, to compare it with the answer to the repeated request. */
  readonly answers: Map<string, string>;
  /** The number of texts so far. It makes the text of each transfer and of most disputes unique. */
  texts: number;
  /** The lines of the bank statement that was imported last. */
  lastImport: readonly Line[];
  /** Whether campaign and books were compared after the last command. */
  isCompared: boolean;
}

/** The result of a command in the model, and in the service. */
export type Pair = [expected: string, got: string];

export const outcomeOf = ({ status, body }: ClientResponse): string =>
  status < 300 ? 'ok' : body.code;

/**
 * Picks an element of a list by a number that does not depend on the length of the list. In three
 * of four cases it picks an element to which something can still happen, if there is one.
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
