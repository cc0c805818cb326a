/**
 * Joins the one row of `table` that belongs to an earlier row in `from`. A lateral join makes
 * PostgreSQL evaluate the earlier row first. A plain join may start with the table and, if the
 * table is empty, skip the other side, which may be a function with effects or errors.
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
