-- Notifications, all derived from the audit log. No table here has a foreign key to campaigns:
-- checking it would lock the hot row during a burst of joins.

-- The position in each campaign's log up to which notifications were written. A separate table, so
-- that the campaign's row is not written.
create table sambatan.notification_cursors (
  campaign_id uuid primary key,
  seq bigint not null check (seq >= 0),
  moved_at timestamptz not null default now()
);

-- One notification to one person about one event. The text is rendered when it is shown or sent, in
-- the person's language and time zone at that moment.
create table sambatan.notifications (
  campaign_id uuid not null,
  notification_id uuid not null,
  user_id uuid not null,
  -- The subject: a position in the log, a reminder or a digest. A person gets one notification for
  -- each.
  event_key text not null check (char_length(event_key) between 1 and 120),
  kind text not null check (char_length(kind) between 1 and 40),
  topic text not null check (char_length(topic) between 1 and 40),
  params jsonb not null,
  -- False: the person wants this topic by e-mail only.
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
-- For the export and the deletion of a person's data, which include notifications sent by e-mail
-- only.
create index notifications_by_mail_only on sambatan.notifications (user_id) where not in_app;
create index notifications_by_time on sambatan.notifications (created_at);

-- What a person wants to receive, where it differs from the default of the topic.
create table sambatan.message_settings (
  user_id uuid not null,
  topic text not null check (char_length(topic) between 1 and 40),
  email boolean not null,
  in_app boolean not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, topic)
);

-- Sellers get one notification per campaign and time window, however many buyers joined in it.
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

-- An event for all participants is handled in steps. Participations up to `after` have got their
-- notification.
create table sambatan.notification_fanouts (
  campaign_id uuid not null,
  seq bigint not null,
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (campaign_id, seq)
);

-- A notification at a later time: a requested reminder of a deadline, a hold that is about to
-- lapse, a payment that became due at completion and is still open, or goods to confirm.
create table sambatan.reminders (
  campaign_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in
    ('deadline_day', 'deadline_hour', 'hold', 'payment_half', 'payment_last',
    'receipt')),
  -- Deadlines: the campaign. All others: the participation.
  subject_id uuid not null,
  due_at timestamptz not null,
  done_at timestamptz,
  primary key (campaign_id, user_id, kind, subject_id)
);
create index reminders_by_due on sambatan.reminders (due_at) where done_at is null;
create index reminders_done on sambatan.reminders (done_at) where done_at is not null;
create index reminders_by_user on sambatan.reminders (user_id);
