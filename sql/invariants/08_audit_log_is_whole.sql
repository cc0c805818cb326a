-- The audit log of every campaign is complete, and every row matches its hashes.
select * from sambatan.verify_audit(null);
