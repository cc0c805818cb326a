-- The audit log: all events of every campaign, append-only. docs/events.md describes the events.
-- docs/public-log.md describes what is published of each row and how it is hashed.

create table sambatan.audit_logs (
  -- There is no foreign key, because PostgreSQL would check it for every row of a join. It is not
  -- needed: the functions that write to this table have locked the campaign's row, and a campaign
  -- is never deleted.
  campaign_id uuid not null,
  seq bigint not null,
  occurred_at timestamptz not null,
  participation_id uuid,
  actor_id uuid,
  -- Whole rupiah for one slot at the time of the event.
  price_per_slot bigint not null,
  event sambatan.audit_event not null,
  actor_kind sambatan.actor_kind not null,
  -- The number of slots that the event takes (positive) or frees (negative).
  slots integer not null,
  -- Taken and total slots after the event.
  slots_taken integer not null,
  total_slots integer not null,
  -- SHA-256 of the salt and the private record, and the hash of the public record.
  commitment bytea not null,
  leaf_hash bytea not null,
  -- Null if the event has no other data than the columns above. For a participant_joined event, the
  -- quantity is then the number of slots.
  metadata jsonb,
  primary key (campaign_id, seq),
  -- Only events about a participation have a participation_id, and only few of them change the
  -- number of taken slots.
  constraint audit_logs_values check (seq > 0
    and (actor_kind in ('user', 'operator')) = (actor_id is not null)
    and (event between 'participant_joined' and 'dispute_resolved') = (participation_id is not null)
    and slots_taken between 0 and total_slots
    and (slots = 0 or event between 'participant_joined' and 'participant_changed'))
);
-- Each index of this table slows down every join. So no index has the rows of joins: the first event
-- of a participation is found by its joined_seq, and an event at a time by a binary search over seq.
create index audit_logs_of_participation on sambatan.audit_logs (campaign_id, participation_id, seq)
  where participation_id is not null and event <> 'participant_joined';
-- Most events are about participations, and few are about a campaign itself. These partial indexes
-- contain only the events about campaigns. They find such events of one campaign, or of all
-- campaigns for operators.
create index audit_logs_of_campaign on sambatan.audit_logs (campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_time on sambatan.audit_logs (occurred_at, campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_event
  on sambatan.audit_logs (event, occurred_at, campaign_id, seq) where participation_id is null;

create trigger audit_logs_append_only before update or delete on sambatan.audit_logs
  for each row execute function sambatan.refuse_change();
create trigger audit_logs_no_truncate before truncate on sambatan.audit_logs
  for each statement execute function sambatan.refuse_change();

-- The events as the API and the notifications show them: the actor as text, and the metadata with
-- the numbers of slots.
create view sambatan.audit_events as
  select campaign_id, seq, occurred_at, participation_id, event,
    concat_ws(':', actor_kind, actor_id) as actor,
    jsonb_build_object('slots_taken', slots_taken, 'total_slots', total_slots)
      || case when metadata is null and event = 'participant_joined'
        then jsonb_build_object('quantity', slots) else coalesce(metadata, '{}') end as metadata
  from sambatan.audit_logs;
