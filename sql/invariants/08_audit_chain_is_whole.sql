-- The audit chain of every campaign verifies from its first row to its head.
select * from sambatan.verify_audit(null);
