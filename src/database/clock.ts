import { query } from './query.ts';

/**
 * The time by the database's clock. All processes use this clock, because the clocks of machines
 * may differ.
 */
export const databaseNow = query<[], { readonly now: Date }>(
  'database_now',
  'select clock_timestamp() as now',
);
