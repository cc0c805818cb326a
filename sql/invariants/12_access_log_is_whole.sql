-- Every account's chain of sign-ins verifies from the first row that is kept to its head.
select * from sambatan.verify_access(null);
