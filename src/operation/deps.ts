import type { Database } from '../database/pool.ts';

/** What a slice needs to read and to write; whoever watches a campaign is notified by the database. */
export interface OperationDeps {
  readonly db: Database;
}
