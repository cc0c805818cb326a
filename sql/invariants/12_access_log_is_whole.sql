-- The access-log chain of every account is valid from the first remaining row to its head.
select * from sambatan.verify_access(null);
