-- What operators look things up by: what happened to campaigns over the whole market (few rows
-- among those of participations), and people by their address.
create index audit_logs_of_campaigns_by_time on sambatan.audit_logs (occurred_at, campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_event
  on sambatan.audit_logs (event, occurred_at, campaign_id, seq) where participation_id is null;
create index if not exists profiles_by_email on sambatan.profiles (lower(email));
