/**
 * Returns SQL that joins the one row of `table` that belongs to the row of an earlier item in
 * `from`. The lateral join makes PostgreSQL evaluate the earlier item first. With a plain join,
 * PostgreSQL may start with the table; if the table is empty, it then skips the earlier item, which
 * may be a function that writes or raises errors.
 */
export const joinAfter = (table: string, alias: string, condition: string) =>
  `cross join lateral (
    select * from ${table} ${alias} where ${condition} offset 0) ${alias}`;

/** SQL that joins the order `p` of a ledger entry `t`. */
export const joinOrder = joinAfter(
  'sambatan.orders',
  'p',
  'p.campaign_id = t.campaign_id and p.participation_id = t.participation_id',
);

/**
 * Returns SQL of the entries `t` that a database function returns, with the buyer of their order as
 * t.user_id. The function runs first and on its own, because a node of a distributed database cannot
 * run it while it reads the orders.
 */
export const entriesOf = (call: string) => `(
    with e as materialized (select * from ${call})
    select e.*, o.user_id from e
    left join sambatan.orders o
      on o.campaign_id = e.campaign_id and o.participation_id = e.participation_id) t`;
