import { AsyncLocalStorage } from 'node:async_hooks';
import { deserialize, serialize } from 'node:v8';
import { query, type Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors/errors.ts';

/** A request with an Idempotency-Key header. */
export interface KeyedRequest {
  /**
   * The caller, in the same form as in the audit log. Two callers can use the same key
   * independently.
   */
  readonly caller: string;
  readonly key: string;
  /** The SHA-256 hash of all fields that must be equal when the request is repeated. */
  readonly hash: Buffer;
}

interface KeyRow {
  readonly request_hash: Buffer;
  /**
   * The result of the operation. It is null only inside the transaction that stored the key, and is
   * set before the commit.
   */
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

/**
 * Query that stores a key for a request. It waits while another transaction is storing the same
 * key. It returns no row when the key was used before.
 */
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

/** The stored response to the first request with a key. */
export interface FirstAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string | null;
}

/**
 * Returns the response to the first request with this key, or undefined when no response is stored
 * yet. Throws `idempotency_key_reused` when the key was used for a different request.
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

/**
 * Stores the response to a request. The change and the key of the request were committed before.
 */
export async function keepAnswer(
  db: Queryable,
  { caller, key }: KeyedRequest,
  { status, contentType, body }: FirstAnswer,
): Promise<void> {
  await db.rows(keepRequestAnswer, caller, key, status, contentType, body);
}

/** The current request. `isTaken` is true when a change of this request has used the key. */
interface Slot {
  readonly request: KeyedRequest;
  isTaken: boolean;
}

const current = new AsyncLocalStorage<Slot>();

/**
 * Runs the handler of a request with an idempotency key. The first change that the handler makes
 * uses the key.
 */
export function withRequestKey<T>(request: KeyedRequest, run: () => T): T {
  return current.run({ request, isTaken: false }, run);
}

/**
 * Wraps an operation so that it runs only once per idempotency key, even if the client sends the
 * request several times. For a repeated request, the wrapper returns the stored result without
 * running the operation. Only the first change of a request uses the key. Later steps of the
 * request (sending an e-mail, or a second change) can run again, so repeating them must do no harm.
 * If the request has no key, this function returns the operation unchanged.
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
