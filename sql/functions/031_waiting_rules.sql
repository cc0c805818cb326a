-- How often an entry of a waiting list may be overtaken: slots that are too few for it go to a
-- smaller one behind it so many times; after that they are gathered for it.
create or replace function sambatan.waiting_overtakes()
returns integer language sql immutable parallel safe as $$ select 3 $$;

-- Most entries of one campaign that may wait or have an offer at the same time: what one freed slot
-- may have to go through.
create or replace function sambatan.waiting_list_limit()
returns integer language sql immutable parallel safe as $$ select 1000 $$;
