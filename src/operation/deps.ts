import type { Pokes } from '../audit/change-notifier.ts';
import type { Database } from '../database/pool.ts';

/** What a slice needs to read, to write, and to announce a change after its commit. */
export interface OperationDeps {
  readonly db: Database;
  readonly pokes: Pokes;
}
