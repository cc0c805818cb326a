-- All orders to which money can belong: participations, and offers that were made after the
-- campaign had succeeded and have not become a participation. Because of these offers, the tables
-- with money have no foreign key to participants. Instead, an invariant checks that each of their
-- rows has an order.
create view sambatan.orders as
  select campaign_id, participation_id, user_id, quantity, false as is_offer
  from sambatan.participants
  union all
  select campaign_id, order_id, user_id, quantity, true
  from sambatan.waiting_entries
  where order_id is not null and participation_id is null;
