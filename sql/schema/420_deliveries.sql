-- Outgoing e-mails and webhooks. As in 410_notifications.sql, there is no foreign key to campaigns.

-- The URLs to which events are sent. If brand_id is null, the endpoint gets the events of every
-- brand; it is for the platform's own servers.
create table sambatan.webhook_endpoints (
  endpoint_id uuid primary key,
  brand_id uuid references sambatan.brands,
  url text not null check (char_length(url) between 10 and 500),
  description text not null default '' check (char_length(description) <= 200),
  -- The events that are sent; empty means every event.
  events text[] not null default '{}',
  secret text not null,
  -- Until previous_secret_until, requests are signed with the previous secret too, so that a
  -- receiver can change its secret without rejecting any request.
  previous_secret text,
  previous_secret_until timestamptz,
  status text not null default 'enabled' check (status in ('enabled', 'disabled', 'removed')),
  status_reason text check (char_length(status_reason) <= 300),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhook_endpoints_previous check (
    (previous_secret is null) = (previous_secret_until is null))
);
create index webhook_endpoints_by_brand on sambatan.webhook_endpoints (brand_id, endpoint_id)
  where status <> 'removed';

-- The outbox. The delivery_id of an e-mail is the id of its notification. A webhook has the
-- position of its event in the audit log (seq). The keys of this table are unique, so no e-mail and
-- no webhook can be queued twice.
create table sambatan.deliveries (
  campaign_id uuid not null,
  delivery_id uuid not null,
  channel text not null check (channel in ('email', 'webhook')),
  endpoint_id uuid,
  seq bigint,
  status text not null default 'pending'
    check (status in ('pending', 'delivered', 'failed', 'dropped')),
  attempts integer not null default 0 check (attempts >= 0),
  -- When the next attempt is due. During an attempt: the end of the lease, after which another
  -- worker may make the next attempt.
  next_attempt_at timestamptz,
  lease_id uuid,
  last_attempt_at timestamptz,
  last_result text check (char_length(last_result) <= 300),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (campaign_id, delivery_id),
  unique (campaign_id, endpoint_id, seq),
  constraint deliveries_of_webhooks check (
    (channel = 'webhook') = (endpoint_id is not null and seq is not null)),
  constraint deliveries_pending check ((status = 'pending') = (next_attempt_at is not null)),
  constraint deliveries_finished check ((status = 'pending') = (finished_at is null))
);
create index deliveries_due_email on sambatan.deliveries (next_attempt_at)
  where status = 'pending' and channel = 'email';
create index deliveries_due_webhook on sambatan.deliveries (endpoint_id, next_attempt_at)
  where status = 'pending' and channel = 'webhook';
-- This is a hash index because a hash index cannot sort. With an ordered index here, the planner
-- would use it for lists too, although lists must use the indexes by status and by endpoint.
create index deliveries_by_id on sambatan.deliveries using hash (delivery_id);
create index deliveries_by_endpoint on sambatan.deliveries (endpoint_id, delivery_id)
  where channel = 'webhook';
create index deliveries_by_status on sambatan.deliveries (status, delivery_id);
create index deliveries_finished on sambatan.deliveries (finished_at)
  where finished_at is not null;
