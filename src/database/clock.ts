import { query } from './query.ts';

/**
 * Query for the time of the database's clock. All processes use this clock, because the clocks of
 * their machines may differ.
 */
export const databaseNow = query<[], { readonly now: Date }>(
  'database_now',
  'select clock_timestamp() as now',
);
