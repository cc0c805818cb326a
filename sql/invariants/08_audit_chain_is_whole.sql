-- The audit chain of every campaign is valid from its first row to its head.
select * from sambatan.verify_audit(null);
