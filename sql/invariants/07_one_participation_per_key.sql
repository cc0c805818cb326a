-- An idempotency key refers only to a participation of the same user, and no two keys refer to the
-- same participation.
select k.campaign_id, k.user_id, k.key
from sambatan.idempotency_keys k
left join sambatan.participants p using (campaign_id, participation_id)
where (k.outcome = 'joined' and p.user_id is distinct from k.user_id)
  or exists (select from sambatan.idempotency_keys other
    where other.campaign_id = k.campaign_id and other.participation_id = k.participation_id
      and (other.user_id, other.key) <> (k.user_id, k.key));
