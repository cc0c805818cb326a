-- Returns the maximum difference between the clocks of the database and of a process. If the
-- difference is larger, no campaign is closed.
create or replace function sambatan.clock_tolerance()
returns interval language sql immutable parallel safe as $$ select interval '30 seconds' $$;

-- Settles several campaigns in one transaction, so that many campaigns that are due in the same
-- second need only one commit. Locks each row and checks again what is due, so several workers may
-- call it at the same time. Skips a row that another transaction has locked. Returns one row per
-- campaign. p_limit applies to all campaigns together, because their rows stay locked until the
-- commit. A campaign that is not processed because the limit was reached has more = true and must
-- be passed again.
--
-- p_process_clock is the time of the calling process. Closing cannot be undone, so nothing is
-- closed while that clock and the database's clock differ by more than clock_tolerance. Refuses:
-- clock_skewed.
create or replace function sambatan.settle_campaigns(
  p_campaign_ids uuid[], p_complete_full boolean, p_limit integer,
  p_process_clock timestamptz default null, p_pays_online boolean default false
) returns table (
  campaign_id uuid, transitions sambatan.audit_logs[], settled integer, more boolean
) language plpgsql as $$
declare
  left_over integer := p_limit;
  c sambatan.campaigns;
  r record;
  changed sambatan.campaigns[] := '{}';
  moves sambatan.participation_change[] := '{}';
  dues sambatan.due_ledger_entry[] := '{}';
  entries sambatan.audit_logs[] := '{}';
  skew constant interval := clock_timestamp() - p_process_clock;
begin
  if greatest(skew, -skew) > sambatan.clock_tolerance() then
    perform sambatan.refuse('clock_skewed',
      jsonb_build_object('seconds', round(extract(epoch from skew))));
  end if;
  foreach campaign_id in array p_campaign_ids loop
    transitions := '{}';
    settled := 0;
    more := left_over <= 0;
    if not more then
      select * into c from sambatan.campaigns t where t.campaign_id = settle_campaigns.campaign_id
        for no key update skip locked;
      if found then
        select * into r from sambatan.settle_step(c, p_complete_full, left_over,
          p_pays_online);
        c := r.c;
        changed := changed || c;
        moves := moves || (r.writes).moves;
        dues := dues || (r.writes).dues;
        entries := entries || (r.writes).entries;
        transitions := r.transitions;
        settled := r.settled;
        more := r.more;
        left_over := left_over - settled;
      end if;
    end if;
    return next;
  end loop;
  perform sambatan.apply_writes(row(moves, dues, entries));
  perform sambatan.store_campaigns(changed);
end
$$;
