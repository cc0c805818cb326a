import type { Queryable } from '../database/query.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import * as sql from './queries.ts';

/**
 * The quarantine of a restored database. While it holds, no notification is sent and no money is
 * transferred.
 */
export interface Quarantine {
  /**
   * When the quarantine began. Null when the database was restored by hand, because the time is not
   * known.
   */
  readonly since: Date | null;
  readonly reason: string;
}

/** Returns the quarantine of this database; undefined when there is none. */
export async function findQuarantine(db: Queryable): Promise<Quarantine | undefined> {
  const { quarantined, quarantined_since, quarantine_reason } = await db.one(sql.findQuarantine);
  if (!quarantined) return undefined;
  return { since: quarantined_since, reason: quarantine_reason ?? 'restored by hand' };
}

/** Throws `installation_held` when this database is quarantined. */
export async function assertNotQuarantined(db: Queryable): Promise<void> {
  const { quarantined } = await db.one(sql.isQuarantined);
  if (quarantined) throw new DomainError('installation_held', {});
}
assertNotQuarantined.refusals = refusals('installation_held');

/** Ends the quarantine: this database is now the real one. Returns whether it was quarantined. */
export async function releaseQuarantine(db: Queryable): Promise<boolean> {
  const wasQuarantined = (await findQuarantine(db)) !== undefined;
  await db.one(sql.noteRestoreByHand);
  await db.rows(sql.release);
  return wasQuarantined;
}
