-- Idempotency keys of requests that change something. The row is written in the transaction of the
-- change. So when a request is repeated, either both the row and the change exist, or neither. The
-- keys of joins and of the waiting list are in the table idempotency_keys instead.
create table sambatan.request_keys (
  -- The caller, in the form of the audit log's actor.
  caller text not null check (char_length(caller) between 1 and 60),
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- The result of the change, serialized with v8.serialize. If the answer was not stored, a
  -- repeated request gets an answer that is built from this result.
  result bytea,
  -- The HTTP answer as it was sent; null until it is sent.
  status smallint check (status between 200 and 299),
  content_type text,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
create index request_keys_by_time on sambatan.request_keys (created_at);
