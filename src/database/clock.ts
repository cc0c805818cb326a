import { query } from './query.ts';

/** The database's clock: all processes go by it, whatever their machines' say. */
export const databaseNow = query<[], { readonly now: Date }>(
  'database_now',
  'select clock_timestamp() as now',
);
