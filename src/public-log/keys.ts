import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import {
  createSigner,
  formatNote,
  formatVerifierKey,
  openNote,
  verifierKey,
  type Signer,
  type VerifierKey,
} from './note.ts';
import * as sql from './key-queries.ts';

/** A key of the log, as the key list shows it. */
export interface LogKey extends VerifierKey {
  readonly number: number;
  readonly announcedAt: Date;
  /** The time from which the key signs; null while it is only announced. */
  readonly signsFrom: Date | null;
  /** The signed note by which the key before announces this one; null if there is none. */
  readonly statement: string | null;
}

/** The private key of this process does not fit the key list. */
export class LogKeyError extends Error {}

/** A signer with the position of its key in the key list. */
export interface LogSigner extends Signer {
  readonly number: number;
}

/** Returns the keys of the log, newest first. */
export async function findKeys(db: Queryable): Promise<LogKey[]> {
  const rows = await db.rows(sql.listKeys);
  return rows.map((row, index) => {
    const key = verifierKey(row.name, row.public_key);
    const before = rows[index + 1];
    return {
      ...key,
      number: row.number,
      announcedAt: row.announced_at,
      signsFrom: row.signs_from,
      statement:
        row.statement === null || before === undefined
          ? null
          : formatNote(statementText(before.name, key), [
              { name: before.name, keyId: before.key_id, signature: row.statement },
            ]),
    };
  });
}

/** Returns the text with which a key announces the next one. */
export function statementText(nameBefore: string, key: VerifierKey): string {
  return `${nameBefore}/keys\n${formatVerifierKey(key)}\n`;
}

/** Returns true when `before` has signed the statement of `key`. */
export function verifyStatement(key: LogKey, before: VerifierKey): boolean {
  if (key.statement === null) return false;
  try {
    return openNote(key.statement, [before]).text === statementText(before.name, key);
  } catch {
    return false;
  }
}

/**
 * Returns the signer of a private key. The first key of a log is added to the key list, with the
 * given log name. An announced key is put into use. Throws LogKeyError when the key is not in the
 * list, or when a newer key is already in use. The caller has locked the writer.
 */
export async function enrolSigner(tx: Tx, seed: Buffer, logName: string): Promise<LogSigner> {
  const rows = await tx.rows(sql.listKeys);
  if (rows.length === 0) {
    const signer = { ...createSigner(logName, seed), number: 1 };
    await tx.rows(sql.insertKey, 1, logName, signer.keyId, signer.publicKey, null, true);
    return signer;
  }
  const current = rows.find((row) => row.signs_from !== null);
  const usable = rows.filter((row) => row.signs_from === null || row === current);
  for (const row of usable) {
    const signer = { ...createSigner(row.name, seed), number: row.number };
    if (!signer.publicKey.equals(row.public_key)) continue;
    if (row.signs_from === null) await tx.rows(sql.activateKey, row.number);
    return signer;
  }
  const known = rows.find(({ name, public_key }) =>
    createSigner(name, seed).publicKey.equals(public_key),
  );
  throw new LogKeyError(
    known === undefined
      ? 'the log key of this process is not in the key list; if the key was lost, run ' +
          '"sambatan log-key rotate --lost"'
      : 'the log key of this process was replaced; restart the process with the new key',
  );
}

/** A new key for the log, and the private key that announces it. */
export interface Rotation {
  /** The seed of the key in use; undefined if it was lost. */
  readonly seed: Buffer | undefined;
  readonly newSeed: Buffer;
  /** The log name of the new key. */
  readonly name: string;
}

/**
 * Adds a new key to the key list. The key in use signs a statement about it, and continues to sign
 * until a process has the new key. Without the key in use there is no statement, and the new key is
 * in use at once. Returns the new key. Throws LogKeyError when `seed` is not the key in use.
 */
export async function rotateKey(tx: Tx, { seed, newSeed, name }: Rotation): Promise<VerifierKey> {
  await tx.one(sql.lockWriter);
  await tx.rows(sql.withdrawKey);
  const [current] = await tx.rows(sql.listKeys);
  if (current === undefined) throw new LogKeyError('the log has no key yet; start a worker first');
  const key = createSigner(name, newSeed);
  const next = current.number + 1;
  if (seed === undefined) {
    await tx.rows(sql.insertKey, next, name, key.keyId, key.publicKey, null, true);
    return key;
  }
  const signer = createSigner(current.name, seed);
  if (!signer.publicKey.equals(current.public_key)) {
    throw new LogKeyError(
      'the configured log key is not the key in use, so it cannot announce another one; if the ' +
        'key in use was lost, run "sambatan log-key rotate --lost"',
    );
  }
  const statement = await signer.sign(statementText(current.name, key));
  await tx.rows(sql.insertKey, next, name, key.keyId, key.publicKey, statement, false);
  return key;
}
