-- Notifications, all derived from the audit log. No table of this file has a foreign key to
-- campaigns: checking the key would lock the campaign's row, which many concurrent joins need.

-- The position in each campaign's audit log up to which notifications were written. It has a
-- separate table so that the campaign's row need not be updated.
create table sambatan.notification_cursors (
  campaign_id uuid primary key,
  seq bigint not null check (seq >= 0),
  moved_at timestamptz not null default now()
);

-- One notification to one person about one event. The row does not contain the text. The text is
-- rendered each time the notification is shown or sent, in the language and time zone that the
-- person has chosen at that time.
create table sambatan.notifications (
  campaign_id uuid not null,
  notification_id uuid not null,
  user_id uuid not null,
  -- What the notification is about: a position in the audit log, a reminder or a digest. A person
  -- gets only one notification per key.
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
-- Used by the export and the deletion of a person's data, which include notifications sent by
-- e-mail only.
create index notifications_by_mail_only on sambatan.notifications (user_id) where not in_app;
create index notifications_by_time on sambatan.notifications (created_at);

-- What a person wants to receive. The defaults of a topic apply if a person has no row for it.
create table sambatan.message_settings (
  user_id uuid not null,
  topic text not null check (char_length(topic) between 1 and 40),
  email boolean not null,
  in_app boolean not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, topic)
);

-- The next digest of each campaign: a notification to the sellers that summarizes joins. Sellers
-- get only one notification per campaign and time window, whatever the number of joins in that
-- window.
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

-- Events for which all participants of a campaign get a notification. Such an event is handled in
-- steps. Participations with an id up to `after` already have their notification.
create table sambatan.notification_fanouts (
  campaign_id uuid not null,
  seq bigint not null,
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (campaign_id, seq)
);

-- Notifications that are sent at a later time. A reminder is about one of these: a deadline, if the
-- person asked for a reminder; a hold that will lapse soon; a payment that became due when the
-- campaign completed and is still open; or goods whose receipt the buyer should confirm.
create table sambatan.reminders (
  campaign_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in
    ('deadline_day', 'deadline_hour', 'hold', 'payment_half', 'payment_last',
    'receipt')),
  -- For reminders of a deadline, the id of the campaign; for all others, the id of the
  -- participation.
  subject_id uuid not null,
  due_at timestamptz not null,
  done_at timestamptz,
  primary key (campaign_id, user_id, kind, subject_id)
);
create index reminders_by_due on sambatan.reminders (due_at) where done_at is null;
create index reminders_done on sambatan.reminders (done_at) where done_at is not null;
create index reminders_by_user on sambatan.reminders (user_id);
