import { query } from '../database/query.ts';

export interface LogKeyRow {
  /** The position of the key in the order of announcement, from 1. */
  readonly number: number;
  readonly name: string;
  readonly key_id: Buffer;
  readonly public_key: Buffer;
  /** The signature of the key before; null for the first key and after the loss of a key. */
  readonly statement: Buffer | null;
  readonly announced_at: Date;
  readonly signs_from: Date | null;
}

/** All keys, newest first. */
export const listKeys = query<[], LogKeyRow>(
  'list_log_keys',
  `select number, name, key_id, public_key, statement, announced_at, signs_from
  from sambatan.log_keys order by number desc`,
);

/** Locks the mutex of the writer, so that no pass signs anything until the transaction ends. */
export const lockWriter = query<[], { readonly is_the_one: boolean }>(
  'lock_log_writer',
  'select is_the_one from sambatan.log_writer for update',
);

export const insertKey = query<
  [
    number: number,
    name: string,
    keyId: Buffer,
    publicKey: Buffer,
    statement: Buffer | null,
    signsNow: boolean,
  ],
  never
>(
  'insert_log_key',
  `insert into sambatan.log_keys (number, name, key_id, public_key, statement, signs_from)
  values ($1, $2, $3, $4, $5, case when $6 then clock_timestamp() end)`,
);

/** Puts an announced key into use. */
export const activateKey = query<[number: number], never>(
  'activate_log_key',
  `update sambatan.log_keys set signs_from = clock_timestamp()
  where number = $1 and signs_from is null`,
);

/** Withdraws a key that was announced and never signed anything. */
export const withdrawKey = query<[], never>(
  'withdraw_log_key',
  'delete from sambatan.log_keys where signs_from is null',
);
