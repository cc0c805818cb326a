-- Idempotency keys of requests that change something. The row is written in the transaction of the
-- change, so a repeated request finds either both or neither. Joins and the waiting list have keys
-- of their own (idempotency_keys), which belong to their campaign.
create table sambatan.request_keys (
  -- The caller, as the audit log names them.
  caller text not null check (char_length(caller) between 1 and 60),
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- The result of the change (v8.serialize). If no answer was stored, the answer is made from it.
  result bytea,
  -- The answer as it was sent; null until then.
  status smallint check (status between 200 and 299),
  content_type text,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
create index request_keys_by_time on sambatan.request_keys (created_at);
