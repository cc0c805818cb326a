import type { Queryable } from '../database/query.ts';
import { DomainError } from '../errors/errors.ts';
import * as sql from './queries.ts';

/** What keeps messages and money movements back in a database that was restored. */
export interface Quarantine {
  /** Null when the database was restored by hand: its time is not known. */
  readonly since: Date | null;
  readonly reason: string;
}

/** The hold on this database; undefined when it is the real one. */
export async function findQuarantine(db: Queryable): Promise<Quarantine | undefined> {
  const { held, quarantined_since, quarantine_reason } = await db.one(sql.findQuarantine);
  if (!held) return undefined;
  return { since: quarantined_since, reason: quarantine_reason ?? 'restored by hand' };
}

/** Throws `installation_held` in a database that is not known to be the real one. */
export async function assertNotQuarantined(db: Queryable): Promise<void> {
  const { held } = await db.one(sql.isQuarantined);
  if (held) throw new DomainError('installation_held', {});
}

/** Says that this is the real database. Gives whether it was held before. */
export async function releaseQuarantine(db: Queryable): Promise<boolean> {
  const held = (await findQuarantine(db)) !== undefined;
  await db.rows(sql.release);
  return held;
}
