-- Messages: in-app notifications, e-mail and webhooks, all derived from the audit log. None of
-- these tables has a foreign key to campaigns: checking it would lock the hot row of a flash crowd.

-- How far each campaign's log has been turned into messages. A row of its own, so that the
-- campaign's is not written.
create table sambatan.notification_cursors (
  campaign_id uuid primary key,
  seq bigint not null check (seq >= 0),
  moved_at timestamptz not null default now()
);
-- What happened before there were messages is told to nobody.
insert into sambatan.notification_cursors (campaign_id, seq)
  select campaign_id, audit_seq from sambatan.campaigns where audit_seq > 0;

-- One message to one person about one event. Words are made when it is shown or sent, in the
-- language and the time zone that the person has then.
create table sambatan.notifications (
  campaign_id uuid not null,
  notification_id uuid not null,
  user_id uuid not null,
  -- What it is about: a place in the log, a reminder, a digest. A person is told of it once.
  event_key text not null check (char_length(event_key) between 1 and 120),
  kind text not null check (char_length(kind) between 1 and 40),
  topic text not null check (char_length(topic) between 1 and 40),
  params jsonb not null,
  -- False: by e-mail only, because the person wants it so.
  in_app boolean not null,
  created_at timestamptz not null default now(),
  read_at timestamptz,
  primary key (campaign_id, notification_id),
  unique (campaign_id, user_id, event_key)
);
create index notifications_inbox on sambatan.notifications (user_id, notification_id)
  where in_app;
create index notifications_unread on sambatan.notifications (user_id, notification_id)
  where in_app and read_at is null;
create index notifications_by_time on sambatan.notifications (created_at);

-- What is on its way out. An e-mail's delivery has its notification's id, a webhook's has the
-- event's place in the log: each is there once.
create table sambatan.deliveries (
  campaign_id uuid not null,
  delivery_id uuid not null,
  channel text not null check (channel in ('email', 'webhook')),
  endpoint_id uuid,
  seq bigint,
  status text not null default 'pending'
    check (status in ('pending', 'delivered', 'failed', 'dropped')),
  attempts integer not null default 0 check (attempts >= 0),
  -- While an attempt is under way: when its lease ends and another worker may take it over.
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
-- A hash: one in order would be taken for lists, which have to go by their status.
create index deliveries_by_id on sambatan.deliveries using hash (delivery_id);
create index deliveries_by_endpoint on sambatan.deliveries (endpoint_id, delivery_id)
  where channel = 'webhook';
create index deliveries_by_status on sambatan.deliveries (status, delivery_id);
create index deliveries_finished on sambatan.deliveries (finished_at)
  where finished_at is not null;

-- Where integrators want to be told; brand_id null: of every brand, for the service's own backends.
create table sambatan.webhook_endpoints (
  endpoint_id uuid primary key,
  brand_id uuid references sambatan.brands,
  url text not null check (char_length(url) between 10 and 500),
  description text not null default '' check (char_length(description) <= 200),
  -- Empty: every event.
  events text[] not null default '{}',
  secret text not null,
  -- Signed with as well until then, so that a receiver can change over without a gap.
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

-- What a person wants to hear of, where it differs from the default of the topic.
create table sambatan.message_settings (
  user_id uuid not null,
  topic text not null check (char_length(topic) between 1 and 40),
  email boolean not null,
  in_app boolean not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, topic)
);

-- What sellers are told together: one message for a campaign and window, however many joined.
create table sambatan.seller_digests (
  campaign_id uuid primary key,
  from_seq bigint not null,
  due_at timestamptz not null,
  joined integer not null,
  joined_slots bigint not null,
  confirmed integer not null,
  confirmed_slots bigint not null,
  cancelled integer not null,
  cancelled_slots bigint not null
);
create index seller_digests_by_due on sambatan.seller_digests (due_at);

-- One event that everybody who takes part is told of, in steps; participations up to `after` have
-- been told.
create table sambatan.notification_fanouts (
  campaign_id uuid not null,
  seq bigint not null,
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (campaign_id, seq)
);

-- Somebody asked to be reminded of a deadline, their hold is about to lapse, or what fell due when a
-- campaign completed is not paid.
create table sambatan.reminders (
  campaign_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in
    ('deadline_day', 'deadline_hour', 'hold', 'payment_half', 'payment_last',
    'receipt')),
  -- The participation of a hold or a payment, the campaign of a deadline.
  subject_id uuid not null,
  due_at timestamptz not null,
  done_at timestamptz,
  primary key (campaign_id, user_id, kind, subject_id)
);
create index reminders_by_due on sambatan.reminders (due_at) where done_at is null;
create index reminders_done on sambatan.reminders (done_at) where done_at is not null;

alter table sambatan.notification_cursors enable row level security;
alter table sambatan.notifications enable row level security;
alter table sambatan.deliveries enable row level security;
alter table sambatan.webhook_endpoints enable row level security;
alter table sambatan.message_settings enable row level security;
alter table sambatan.seller_digests enable row level security;
alter table sambatan.notification_fanouts enable row level security;
alter table sambatan.reminders enable row level security;
revoke all on all tables in schema sambatan from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on all tables in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;
