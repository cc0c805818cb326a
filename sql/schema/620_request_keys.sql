-- Idempotency keys of requests that change something. The row is written in the transaction of the
-- change, so a repeated request finds either both the row and the change, or neither. The keys of
-- joins and of the waiting list are in the table idempotency_keys instead.
create table sambatan.request_keys (
  -- The caller, in the form of the audit log's actor.
  caller text not null check (char_length(caller) between 1 and 60),
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- The result of the change (v8.serialize). If no answer was stored, the answer is made from this
  -- result.
  result bytea,
  -- The HTTP answer as it was sent; null until it is sent.
  status smallint check (status between 200 and 299),
  content_type text,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
create index request_keys_by_time on sambatan.request_keys (created_at);
