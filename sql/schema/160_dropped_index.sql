-- Nobody looks for a row of the log by its time alone: what happened to campaigns has an index of
-- its own, and the rest is asked for by campaign. Every join paid for it.
drop index if exists sambatan.audit_logs_by_time;
