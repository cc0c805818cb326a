-- Inserts notifications and queues their e-mails, according to the settings of each user. The
-- defaults apply to a user without settings. A user who already has a notification with the same
-- event key does not get another one.
create or replace function sambatan.insert_messages(
  p_campaign_id uuid, p_ids uuid[], p_user_ids uuid[], p_event_keys text[], p_kinds text[],
  p_params jsonb[], p_topics text[], p_email_defaults boolean[], p_in_app_defaults boolean[],
  out made integer, out emails integer
) language sql
  set enable_seqscan = off set enable_mergejoin = off as $$
  with wished as (
    select w.*, coalesce(s.in_app, w.in_app_default) as in_app,
      coalesce(s.email, w.email_default) and p.email is not null as by_email
    from unnest(p_ids, p_user_ids, p_event_keys, p_kinds, p_params, p_topics, p_email_defaults,
        p_in_app_defaults)
      as w (id, user_id, event_key, kind, params, topic, email_default, in_app_default)
    left join sambatan.message_settings s on s.user_id = w.user_id and s.topic = w.topic
    left join sambatan.profiles p on p.user_id = w.user_id
  ), written as (
    insert into sambatan.notifications
      (campaign_id, notification_id, user_id, event_key, kind, topic, params, in_app)
    select p_campaign_id, id, user_id, event_key, kind, topic, params, in_app
    from wished where in_app or by_email
    on conflict (campaign_id, user_id, event_key) do nothing
    returning notification_id
  ), sent as (
    insert into sambatan.deliveries (campaign_id, delivery_id, channel, next_attempt_at)
    select p_campaign_id, id, 'email', clock_timestamp()
    from wished where by_email and id in (select notification_id from written)
    returning 1
  )
  select (select count(*) from written)::integer, (select count(*) from sent)::integer
$$;
