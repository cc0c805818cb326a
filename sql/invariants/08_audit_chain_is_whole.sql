-- Every campaign's audit chain verifies from its first row to its head.
select * from sambatan.verify_audit(null);
