-- Settles several campaigns in one transaction: one commit for many that are due in the same second.
-- Locks each row and checks again, so that any number of workers may call it; a row that somebody
-- else holds is left to them. One row per campaign. The limit is for all of them together, because
-- their rows are held until the commit: a campaign that it leaves nothing for is to be sent again.
create or replace function sambatan.settle_campaigns(
  p_campaign_ids uuid[], p_complete_full boolean, p_limit integer
) returns table (
  campaign_id uuid, transitions sambatan.audit_logs[], settled integer, more boolean
) language plpgsql as $$
declare
  left_over integer := p_limit;
  c sambatan.campaigns;
  r record;
  changed sambatan.campaigns[] := '{}';
  moves sambatan.participation_move[] := '{}';
  dues sambatan.due_movement[] := '{}';
  entries sambatan.audit_logs[] := '{}';
begin
  foreach campaign_id in array p_campaign_ids loop
    transitions := '{}';
    settled := 0;
    more := left_over <= 0;
    if not more then
      select * into c from sambatan.campaigns t where t.campaign_id = settle_campaigns.campaign_id
        for no key update skip locked;
      if found then
        select * into r from sambatan.settle_step(c, p_complete_full, left_over);
        c := r.c;
        changed := changed || c;
        moves := moves || (r.effects).moves;
        dues := dues || (r.effects).dues;
        entries := entries || (r.effects).entries;
        transitions := r.transitions;
        settled := r.settled;
        more := r.more;
        left_over := left_over - settled;
      end if;
    end if;
    return next;
  end loop;
  perform sambatan.store_effects(row(moves, dues, entries));
  perform sambatan.store_campaigns(changed);
end
$$;
