import { AsyncLocalStorage } from 'node:async_hooks';
import { deserialize, serialize } from 'node:v8';
import { query, type Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors/errors.ts';

/** A request that came with an Idempotency-Key. */
export interface KeyedRequest {
  /** How the audit log names the caller; a key belongs to one caller. */
  readonly caller: string;
  readonly key: string;
  /** SHA-256 of what must be the same for a request to be the same. */
  readonly hash: Buffer;
}

interface KeyRow {
  readonly request_hash: Buffer;
  /** Never null once the transaction that claimed the key is committed. */
  readonly result: Buffer;
  readonly status: number | null;
  readonly content_type: string | null;
  readonly body: string | null;
}

const findRequestKey = query<[caller: string, key: string], KeyRow>(
  'find_request_key',
  `select request_hash, result, status, content_type, body
  from sambatan.request_keys where caller = $1 and key = $2`,
);

/** Waits for whoever uses the key just now; gives no row when it was used before. */
const claimRequestKey = query<
  [caller: string, key: string, hash: Buffer],
  { readonly key: string }
>(
  'claim_request_key',
  `insert into sambatan.request_keys (caller, key, request_hash) values ($1, $2, $3)
  on conflict do nothing returning key`,
);

const keepRequestResult = query<[caller: string, key: string, result: Buffer], never>(
  'keep_request_result',
  'update sambatan.request_keys set result = $3 where caller = $1 and key = $2',
);

const keepRequestAnswer = query<
  [caller: string, key: string, status: number, contentType: string | null, body: string | null],
  never
>(
  'keep_request_answer',
  `update sambatan.request_keys set status = $3, content_type = $4, body = $5
  where caller = $1 and key = $2 and status is null`,
);

/** The answer that a request got first. */
export interface FirstAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string | null;
}

/**
 * The first answer to the same request, undefined when there is none yet. Throws
 * `idempotency_key_reused` when the key came with another request.
 */
export async function firstAnswer(
  db: Queryable,
  { caller, key, hash }: KeyedRequest,
): Promise<FirstAnswer | undefined> {
  const row = await db.maybe(findRequestKey, caller, key);
  if (row === undefined) return undefined;
  checkHash(row, hash);
  if (row.status === null) return undefined;
  return { status: row.status, contentType: row.content_type, body: row.body };
}

/** Keeps the answer to a request whose change was committed under its key. */
export async function keepAnswer(
  db: Queryable,
  { caller, key }: KeyedRequest,
  { status, contentType, body }: FirstAnswer,
): Promise<void> {
  await db.rows(keepRequestAnswer, caller, key, status, contentType, body);
}

/** The request under way, and whether one of its changes has the key already. */
interface Slot {
  readonly request: KeyedRequest;
  isTaken: boolean;
}

const current = new AsyncLocalStorage<Slot>();

/** Runs the handler of a keyed request: its first change is made under the key. */
export function withRequestKey<T>(request: KeyedRequest, run: () => T): T {
  return current.run({ request, isTaken: false }, run);
}

/**
 * The verb as it runs under the key of the request under way: once, however often the request is
 * sent. Sent again it gives what it gave, without running. Only the first change of a request has
 * the key; what follows it (a mail, a second step) has to bear repetition. Without a key the verb is
 * given back as it is.
 */
export function onceByKey<T>(verb: (tx: Tx) => Promise<T>): (tx: Tx) => Promise<T> {
  const slot = current.getStore();
  if (slot === undefined || slot.isTaken) return verb;
  slot.isTaken = true;
  const { caller, key, hash } = slot.request;
  return async (tx) => {
    const claimed = await tx.maybe(claimRequestKey, caller, key, hash);
    if (claimed === undefined) {
      const known = await tx.one(findRequestKey, caller, key);
      checkHash(known, hash);
      return deserialize(known.result) as T;
    }
    const result = await verb(tx);
    await tx.rows(keepRequestResult, caller, key, serialize(result));
    return result;
  };
}

function checkHash(row: KeyRow, hash: Buffer): void {
  if (!row.request_hash.equals(hash)) throw new DomainError('idempotency_key_reused', {});
}
