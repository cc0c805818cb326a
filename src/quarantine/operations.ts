import type { Queryable } from '../database/query.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import * as sql from './queries.ts';

/** The quarantine of a restored database: no notification is sent and no money moves. */
export interface Quarantine {
  /** Null when the database was restored by hand; then the time is unknown. */
  readonly since: Date | null;
  readonly reason: string;
}

/** The quarantine of this database; undefined if it is the real one. */
export async function findQuarantine(db: Queryable): Promise<Quarantine | undefined> {
  const { quarantined, quarantined_since, quarantine_reason } = await db.one(sql.findQuarantine);
  if (!quarantined) return undefined;
  return { since: quarantined_since, reason: quarantine_reason ?? 'restored by hand' };
}

/** Throws `installation_held` in a quarantined database. */
export async function assertNotQuarantined(db: Queryable): Promise<void> {
  const { quarantined } = await db.one(sql.isQuarantined);
  if (quarantined) throw new DomainError('installation_held', {});
}
assertNotQuarantined.refusals = refusals('installation_held');

/** Declares this the real database. Returns whether it was in quarantine. */
export async function releaseQuarantine(db: Queryable): Promise<boolean> {
  const wasQuarantined = (await findQuarantine(db)) !== undefined;
  await db.rows(sql.release);
  return wasQuarantined;
}
