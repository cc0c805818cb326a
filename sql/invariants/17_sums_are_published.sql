-- The newest sum checkpoint of a campaign equals its books, and the leaves of its tree have the sum
-- that buyers paid.
select * from sambatan.wrong_sums();
