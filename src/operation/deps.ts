import type { Database } from '../database/pool.ts';

/** The database access that a slice needs; the database notifies the watchers of a campaign. */
export interface OperationDeps {
  readonly db: Database;
}
