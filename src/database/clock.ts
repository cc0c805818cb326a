import { query } from './query.ts';

/** The clock of the database. All processes use it; machine clocks may differ. */
export const databaseNow = query<[], { readonly now: Date }>(
  'database_now',
  'select clock_timestamp() as now',
);
