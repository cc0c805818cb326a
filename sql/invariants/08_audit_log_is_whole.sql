-- The audit log of every campaign is complete, every row matches its hashes, and every checkpoint of
-- the public log has the root of the tree over the rows.
select * from sambatan.verify_audit(null)
union all
select * from sambatan.verify_log_trees(null);
