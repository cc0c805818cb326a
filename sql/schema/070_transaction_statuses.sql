-- A movement may be with a provider whose answer is not known yet, or be owed no more. In a
-- migration of their own: a new value can be used only once it is committed.
alter type sambatan.transaction_status add value 'pending';
alter type sambatan.transaction_status add value 'void';
