/**
 * Joins the one row of `table` that belongs to a row that stands before it in `from`. PostgreSQL
 * reads what stands before first. In a plain join it may begin with the table, and if the table is
 * empty it skips the other side. That side may be a function that changes or refuses something.
 */
export const joinAfter = (table: string, alias: string, condition: string) =>
  `cross join lateral (
    select * from ${table} ${alias} where ${condition} offset 0) ${alias}`;

/** Joins the order `p` of a ledger entry `t`. */
export const joinOrder = joinAfter(
  'sambatan.orders',
  'p',
  'p.campaign_id = t.campaign_id and p.participation_id = t.participation_id',
);
