-- The access-log chain of every account verifies from the first remaining row to its head.
select * from sambatan.verify_access(null);
